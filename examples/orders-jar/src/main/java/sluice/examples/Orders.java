package sluice.examples;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * Numbers the orders of each customer: reads {@code customer|rest of the order}, takes a set time over it, as a call to a service would, and
 * writes {@code customer,number} exactly once. A subtask can do 1000 / millis orders a second and no more, however many cores there are, so that the
 * parallelism is what decides whether the job keeps up.
 *
 * <pre>
 * --bootstrap HOST:PORT   Kafka
 * --in orders             topic of orders
 * --out numbered          topic of the answer; {@code -}: it is thrown away, and no offsets are committed, as on the copy of a drill
 * --millis 5              time that an order takes
 * --group orders          consumer group, and prefix of Kafka transactions
 * </pre>
 */
public final class Orders {
  private Orders() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> options =
        Stream.iterate(0, i -> i + 1 < args.length, i -> i + 2).collect(Collectors.toMap(i -> args[i].substring(2), i -> args[i + 1]));
    String bootstrap = options.get("bootstrap");
    String group = options.getOrDefault("group", "orders");
    String out = options.getOrDefault("out", "numbered");
    boolean writes = !out.equals("-");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
    var source =
        KafkaSource.<String>builder()
            .setBootstrapServers(bootstrap)
            .setTopics(options.getOrDefault("in", "orders"))
            .setGroupId(group)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(new SimpleStringSchema())
            // A consumer knows how far behind it is only from its last fetch, and fetches again when it has nothing left. At some hundred
            // orders a second, the megabyte of each partition that it fetches by default would hide a minute of lag.
            .setProperty("max.partition.fetch.bytes", "32768")
            .setProperty("max.poll.records", "50")
            .setProperty("commit.offsets.on.checkpoint", String.valueOf(writes))
            .build();
    Sink<String> sink = writes ? answers(bootstrap, out, group) : new DiscardingSink<>();
    env.fromSource(source, WatermarkStrategy.noWatermarks(), "Orders")
        .uid("orders")
        .keyBy(Orders::customerOf)
        .process(new Number(Long.parseLong(options.getOrDefault("millis", "5"))))
        .name("Number")
        .uid("number")
        .sinkTo(sink)
        .name("Numbered")
        // Another one: state of the other sink, with the names of its transactions, is not for it.
        .uid(writes ? "numbered" : "discarded");
    env.execute();
  }

  private static Sink<String> answers(String bootstrap, String topic, String group) {
    return KafkaSink.<String>builder()
        .setBootstrapServers(bootstrap)
        .setRecordSerializer(
            KafkaRecordSerializationSchema.builder().setTopic(topic).setValueSerializationSchema(new SimpleStringSchema()).build())
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(group)
        .setProperty("transaction.timeout.ms", "600000")
        .build();
  }

  private static String customerOf(String order) {
    int end = order.indexOf('|');
    return end < 0 ? order : order.substring(0, end);
  }

  private static final class Number extends KeyedProcessFunction<String, String, String> {
    private final long millis;
    private transient ValueState<Long> orders;

    Number(long millis) {
      this.millis = millis;
    }

    @Override
    public void open(OpenContext context) {
      orders = getRuntimeContext().getState(new ValueStateDescriptor<>("orders", Types.LONG));
    }

    @Override
    public void processElement(String order, Context context, Collector<String> out) throws Exception {
      if (millis > 0) {
        Thread.sleep(millis);
      }
      long number = orders.value() == null ? 1 : orders.value() + 1;
      orders.update(number);
      out.collect(customerOf(order) + "," + number);
    }
  }
}
