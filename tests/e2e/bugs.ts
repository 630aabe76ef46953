/** Each regression of the annotator, and the first thing that the report must name. */
import type { Failure } from '../../src/results/schema.js';

export interface ExpectedFailure {
  /** the first project that fails; for races and load, the first that may */
  project: RegExp;
  recording: RegExp;
  label: RegExp;
  outcome: Failure['outcome'];
  path?: RegExp;
  class?: string;
  headline: RegExp;
}

const regression = /^regression$/;
const any = /./;

export const bugs: Record<string, ExpectedFailure> = {
  'annotation-end-not-written': {
    project: regression,
    recording: any,
    label: /^annotationUpdate$/,
    outcome: 'mismatch',
    path: /^changes\.annotation\.insert\.end$/,
    class: 'type',
    headline: /column annotation\.end is null, recorded 7/,
  },
  'activity-written-twice': {
    project: regression,
    recording: any,
    label: /^annotationUpdate$/,
    outcome: 'mismatch',
    path: /^changes\.activity\.insert$/,
    class: 'added',
    headline: /an insert into activity was not recorded/,
  },
  'private-comment-leak': {
    project: regression,
    recording: /^annotate-together$/,
    label: /^commentUpdate$/,
    outcome: 'mismatch',
    path: /^pushes\.bob\.commentRefresh$/,
    class: 'added',
    headline: /bob received the push commentRefresh, which was not recorded/,
  },
  'comment-push-missing': {
    project: regression,
    recording: any,
    label: /^commentUpdate$/,
    outcome: 'mismatch',
    path: /^pushes\.alice\.commentRefresh$/,
    class: 'removed',
    headline: /the push commentRefresh to alice is missing/,
  },
  'tag-assign-no-effect': {
    project: regression,
    recording: /^annotate-together$/,
    label: /^appDataUpdate$/,
    outcome: 'mismatch',
    path: /^changes\.annotation\.update$/,
    class: 'removed',
    headline: /the update of annotation is missing/,
  },
  'upload-size-string': {
    project: regression,
    recording: /^upload-and-rejection$/,
    label: /^documentUpload$/,
    outcome: 'mismatch',
    path: /^ack\[0\]\.data\.size$/,
    class: 'type',
    headline: /ack\[0\]\.data\.size is "6000" \(string\), recorded 6000 \(number\)/,
  },
  'comment-never-acks': { project: regression, recording: any, label: /^commentUpdate$/, outcome: 'timeout', headline: /was not acknowledged within 2000 ms/ },
  'rev-lost-update': {
    project: /^iteration-[123]$/,
    recording: any,
    label: /^(annotationUpdate|annotationDelete|appDataUpdate)$/,
    outcome: 'mismatch',
    path: /^changes\.document\.update(#\d+)?\.rev$/,
    class: 'value',
    headline: /document\.rev/,
  },
  'slow-with-clients': {
    project: /^iteration-[23]$/,
    recording: any,
    label: /^annotationUpdate$/,
    outcome: 'timeout',
    headline: /was not acknowledged within 2000 ms/,
  },
  'edit-by-anyone': {
    project: regression,
    recording: /^upload-and-rejection$/,
    label: /^annotationUpdate$/,
    outcome: 'mismatch',
    path: /^ack\[0\]\.success$/,
    class: 'value',
    headline: /ack\[0\]\.success is true, recorded false/,
  },
};
