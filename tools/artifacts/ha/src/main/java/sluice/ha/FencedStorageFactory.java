package sluice.ha;

import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.runtime.state.CheckpointStorageFactory;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;

/** Named by {@code execution.checkpointing.storage}, and configured as Flink's {@code filesystem} is. */
public final class FencedStorageFactory implements CheckpointStorageFactory<FencedStorage> {
  @Override
  public FencedStorage createFromConfig(ReadableConfig configuration, ClassLoader classLoader) {
    FileSystemCheckpointStorage files = FileSystemCheckpointStorage.createFromConfig(configuration, classLoader);
    return new FencedStorage(files, configuration.get(CheckpointingOptions.CREATE_CHECKPOINT_SUB_DIR));
  }
}
