// Preloaded into every measured application of bench/probe.ts: tells what CPU the process has used, and ends with the benchmark.
process.on('message', () => process.send({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit());
process.channel.unref();
