package sluice.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * Proves record by record that nothing is lost or counted twice, and tells when records flow again. One source emits 0, 1, 2, …; number n
 * belongs to key n mod keys, whose state is the last number that it saw: the next must be exactly one round further. Each key holds its share
 * of --state-bytes besides, which no compression makes smaller.
 *
 * <p>Each subtask appends to a file of its own in --report (times in µs since 1970): {@code OPEN time subtask restored}, {@code FIRST time
 * subtask number}, {@code WRONG time subtask number expected}, {@code TOLD time subtask checkpoint} when a checkpoint or the savepoint of a
 * stop is complete: then a sink would commit. With --storage the program chooses where its state is kept.
 */
public final class Ledger {
  private static final int PIECE = 32 * 1024;

  private Ledger() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> options =
        Stream.iterate(0, i -> i + 1 < args.length, i -> i + 2).collect(Collectors.toMap(i -> args[i].substring(2), i -> args[i + 1]));
    long keys = Long.parseLong(options.get("keys"));
    double rate = Double.parseDouble(options.get("rate"));
    int perKey = (int) (Double.parseDouble(options.get("state-bytes")) / keys);
    Configuration own = new Configuration();
    if (options.containsKey("storage")) {
      own.set(CheckpointingOptions.CHECKPOINT_STORAGE, options.get("storage"));
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(own);
    var source = new DataGeneratorSource<Long>(n -> n, Long.MAX_VALUE, RateLimiterStrategy.perSecond(rate), Types.LONG);
    // Several sources would share the numbers out between them: one keeps them in order.
    env.fromSource(source, WatermarkStrategy.noWatermarks(), "Numbers")
        .setParallelism(1)
        .uid("numbers")
        .keyBy(n -> n % keys)
        .process(new Check(options.get("report"), keys, perKey))
        .name("Check")
        .uid("check")
        .sinkTo(new DiscardingSink<>())
        .name("Nowhere");
    env.execute();
  }

  private static final class Check extends KeyedProcessFunction<Long, Long, Long> implements CheckpointedFunction, CheckpointListener {
    private final String report;
    private final long keys;
    private final int perKey;
    private transient ValueState<Long> last;
    private transient MapState<Integer, byte[]> ballast;
    private transient Path file;
    private transient boolean seen;
    private transient boolean restored;
    private transient int subtask;

    Check(String report, long keys, int perKey) {
      this.report = report;
      this.keys = keys;
      this.perKey = perKey;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      restored = context.isRestored();
    }

    @Override
    public void open(OpenContext context) {
      last = getRuntimeContext().getState(new ValueStateDescriptor<>("last", Types.LONG));
      ballast =
          getRuntimeContext()
              .getMapState(new MapStateDescriptor<>("ballast", Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
      subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      file = Path.of(report, UUID.randomUUID() + ".events");
      say("OPEN", restored);
    }

    @Override
    public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
      Long before = last.value();
      long expected = before == null ? context.getCurrentKey() : before + keys;
      if (number != expected) {
        say("WRONG", number + " " + expected);
      }
      if (before == null) {
        fill(number);
      }
      last.update(number);
      if (!seen) {
        seen = true;
        say("FIRST", number);
      }
      out.collect(number);
    }

    private void fill(long seed) throws Exception {
      Random random = new Random(seed);
      for (int from = 0; from < perKey; from += PIECE) {
        byte[] piece = new byte[Math.min(PIECE, perKey - from)];
        random.nextBytes(piece);
        ballast.put(from / PIECE, piece);
      }
    }

    private void say(String what, Object rest) {
      Instant now = Instant.now();
      long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
      try {
        Files.writeString(
            file, what + " " + micros + " " + subtask + " " + rest + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {}

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      say("TOLD", checkpoint);
    }
  }
}
