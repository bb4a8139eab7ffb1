package sluice.ha;

import java.io.IOException;
import org.apache.flink.api.common.JobID;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.state.CheckpointMetadataOutputStream;
import org.apache.flink.runtime.state.CheckpointStorage;
import org.apache.flink.runtime.state.CheckpointStorageAccess;
import org.apache.flink.runtime.state.CheckpointStorageLocation;
import org.apache.flink.runtime.state.CompletedCheckpointStorageLocation;
import org.apache.flink.runtime.state.filesystem.FsCheckpointStorageAccess;
import org.apache.flink.runtime.state.filesystem.FsCheckpointStorageLocation;
import org.apache.flink.runtime.state.storage.FileSystemCheckpointStorage;

/**
 * Flink's checkpoints in a file system, where a savepoint is complete only while the fence is not there. Sinks commit by the savepoint that a job is
 * stopped with, and Flink enters it nowhere ({@link EntryStore} looks for the fence when a checkpoint is entered): its metadata is the last thing written before they do.
 */
final class FencedStorage implements CheckpointStorage {
  private static final long serialVersionUID = 1;

  private final FileSystemCheckpointStorage files;
  private final boolean directoryPerJob;

  FencedStorage(FileSystemCheckpointStorage files, boolean directoryPerJob) {
    this.files = files;
    this.directoryPerJob = directoryPerJob;
  }

  @Override
  public CompletedCheckpointStorageLocation resolveCheckpoint(String pointer) throws IOException {
    return files.resolveCheckpoint(pointer);
  }

  @Override
  public CheckpointStorageAccess createCheckpointStorage(JobID job) throws IOException {
    return new Access(job);
  }

  private final class Access extends FsCheckpointStorageAccess {
    Access(JobID job) throws IOException {
      super(files.getCheckpointPath(), files.getSavepointPath(), directoryPerJob, job, files.getMinFileSizeThreshold(), files.getWriteBufferSize());
    }

    @Override
    protected CheckpointStorageLocation createSavepointLocation(FileSystem fileSystem, Path location) {
      return new FsCheckpointStorageLocation(
          fileSystem, location, location, location, encodePathAsReference(location), fileSizeThreshold, writeBufferSize) {
        @Override
        public CheckpointMetadataOutputStream createMetadataOutputStream() throws IOException {
          return new FencedMetadata(super.createMetadataOutputStream(), Fence.ofThisProcess());
        }
      };
    }
  }
}
