package sluice.ha;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A job that does for a few seconds what every job does first: it is deployed on all slots, exchanges records by key, keeps state, and completes checkpoints. Processes
 * that have run it have loaded and compiled what the next job's start takes, and it proves that hosts which stand by can run one.
 */
public final class WarmUp {
  /** Of each subtask of the source, a millisecond each. */
  private static final long RECORDS = 2_000;
  private static final long KEYS = 1_000;

  private WarmUp() {}

  public static void main(String[] arguments) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    NumberSequenceSource numbers = new NumberSequenceSource(1, RECORDS * environment.getParallelism());
    environment
        .fromSource(numbers, WatermarkStrategy.noWatermarks(), "Numbers")
        .map(WarmUp::slowly)
        .keyBy(number -> number % KEYS)
        .process(new Count())
        .name("Count");
    environment.execute();
  }

  private static Long slowly(Long number) throws InterruptedException {
    Thread.sleep(1);
    return number;
  }

  private static final class Count extends KeyedProcessFunction<Long, Long, Long> {
    private static final long serialVersionUID = 1L;
    private transient ValueState<Long> count;

    @Override
    public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
      if (count == null) count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
      Long before = count.value();
      count.update(before == null ? 1 : before + 1);
    }
  }
}
