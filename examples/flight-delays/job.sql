-- Per origin airport and day: flights, mean delay in minutes, share delayed over 15 minutes.
-- ${…} is filled in before submission (job.ts).

CREATE TABLE flights (
  departed TIMESTAMP(3),
  reported TIMESTAMP(3),
  origin STRING,
  destination STRING,
  delay BIGINT,
  distance BIGINT,
  -- A flight that counts is reported at most three hours after its departure, so no record before it in the topic is more than three hours ahead of it.
  WATERMARK FOR departed AS departed - INTERVAL '3' HOUR
) WITH (
  'connector' = 'kafka',
  'topic' = '${inputTopic}',
  'properties.bootstrap.servers' = '${bootstrapServers}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

CREATE TABLE delays (
  origin STRING,
  `day` STRING,
  flights BIGINT,
  mean_delay DOUBLE,
  delayed_share DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = '${outputTopic}',
  'properties.bootstrap.servers' = '${bootstrapServers}',
  'key.format' = 'raw',
  'key.fields' = 'origin',
  'value.format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '${transactionalIdPrefix}',
  -- A broker's usual maximum. A job that is down for longer than this may lose the transaction it had not committed.
  'properties.transaction.timeout.ms' = '900000'
);

-- What was reported later does not count. The record says so itself: whether it counts must not hang on how fast each partition is read.
CREATE VIEW timely AS
SELECT * FROM flights WHERE reported <= departed + INTERVAL '3' HOUR;

INSERT INTO delays
SELECT
  origin,
  DATE_FORMAT(window_start, 'yyyy-MM-dd'),
  COUNT(*),
  CAST(SUM(delay) AS DOUBLE) / COUNT(*),
  CAST(SUM(CASE WHEN delay > 15 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*)
FROM TABLE(TUMBLE(DATA => TABLE timely, TIMECOL => DESCRIPTOR(departed), SIZE => INTERVAL '1' DAY))
GROUP BY origin, window_start, window_end;
