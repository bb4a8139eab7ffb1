package sluice.examples;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * Counts generated numbers by key in keyed state: the smallest job with a state worth restoring.
 *
 * <pre>
 * --mode run           for ever (default)
 * --mode finish        ends after --records records
 * --mode fail          the first record throws
 * --mode main-fails    main throws before there is a job
 * --mode twice         main executes two jobs
 * --mode other-state   as run, with operators whose state no other mode's savepoint fits
 * --mode stuck         as run, but a task never ends: a stop that comes too late
 * --mode apart         as run, counting in a slot sharing group of its own
 * --mode show          as run, and prints each number with the count of its key so far: what a restored state holds can be read
 * --rate 100           records per second; --records 100; --keys 10
 * </pre>
 */
public final class Counter {
  private Counter() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> options = parse(args);
    String mode = options.getOrDefault("mode", "run");
    if (mode.equals("main-fails")) {
      throw new IllegalStateException("the orders table is not there");
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
    build(env, options, mode);
    env.execute();
    if (mode.equals("twice")) {
      build(env, options, mode);
      env.execute();
    }
  }

  private static void build(StreamExecutionEnvironment env, Map<String, String> options, String mode) {
    double rate = Double.parseDouble(options.getOrDefault("rate", "100"));
    long keys = Long.parseLong(options.getOrDefault("keys", "10"));
    long records = mode.equals("finish") ? Long.parseLong(options.getOrDefault("records", "100")) : Long.MAX_VALUE;
    String suffix = mode.equals("other-state") ? "-other" : "";
    var source = new DataGeneratorSource<Long>(n -> n, records, RateLimiterStrategy.perSecond(rate), Types.LONG);
    env.fromSource(source, WatermarkStrategy.noWatermarks(), "Numbers")
        .uid("numbers" + suffix)
        .keyBy(n -> n % keys)
        .process(new Count(mode))
        .name("Count")
        .uid("count" + suffix)
        .slotSharingGroup(mode.equals("apart") ? "counting" : "default")
        .sinkTo(new DiscardingSink<>())
        .name("Nowhere");
  }

  private static Map<String, String> parse(String[] args) {
    return Stream.iterate(0, i -> i + 1 < args.length, i -> i + 2).collect(Collectors.toMap(i -> args[i].substring(2), i -> args[i + 1]));
  }

  private static final class Count extends KeyedProcessFunction<Long, Long, Long> {
    private final String mode;
    private transient ValueState<Long> count;

    Count(String mode) {
      this.mode = mode;
    }

    @Override
    public void open(OpenContext context) {
      // Before the task runs: a job that fails at its first record has been seen running for a moment.
      if (mode.equals("fail")) {
        throw new IllegalArgumentException("number 0 is not a valid order");
      }
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
      long next = count.value() == null ? 1 : count.value() + 1;
      count.update(next);
      if (mode.equals("show")) {
        System.out.println("number " + number + " count " + next);
      }
      out.collect(next);
    }

    @Override
    public void close() {
      if (mode.equals("stuck")) {
        throw new IllegalStateException("the connection does not close");
      }
    }
  }
}
