// Preloaded into every measured application of bench/probe.ts (with --expose-gc): tells what CPU the process has used, and ends with the benchmark.
process.on('message', (wish) => {
  // A round pays for its own garbage, not for that of the round before.
  if (wish === 'gc') globalThis.gc();
  process.send({ cpu: process.cpuUsage() });
});
process.on('disconnect', () => process.exit());
process.channel.unref();
