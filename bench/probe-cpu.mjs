// Preloaded into every measured application of bench/probe.ts (with --expose-gc): tells what CPU the process has used, and ends with the benchmark.
process.on('message', () => {
  // A round pays for its own garbage, not for that of the round before.
  globalThis.gc();
  process.send({ cpu: process.cpuUsage() });
});
process.on('disconnect', () => process.exit());
process.channel.unref();
