// Reads an interval log, and says of each line what it has in it, as JSON.

import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";
import hdr from "hdr-histogram-js";

const PERCENTILES = [50, 90, 99, 99.9, 99.99, 100];

const reader = new hdr.HistogramLogReader(readFileSync(argv[2], "utf8"));
for (let line; (line = reader.nextIntervalHistogram()) !== null; ) {
  const said = {
    tag: line.tag,
    start_ms: Math.round(line.startTimeStampMsec - reader.startTimeSec * 1000),
    length_ms: Math.round(line.endTimeStampMsec - line.startTimeStampMsec),
    count: line.totalCount,
    percentiles: PERCENTILES.map((percentile) => line.getValueAtPercentile(percentile)),
    // In milliseconds, with five points in each half of the distance to 100 %.
    hgrm: line.outputPercentileDistribution(5, 1e6),
  };
  stdout.write(JSON.stringify(said) + "\n");
}
