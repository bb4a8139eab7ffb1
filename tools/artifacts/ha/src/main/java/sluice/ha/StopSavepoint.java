package sluice.ha;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.checkpoint.CheckpointProperties;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.state.CompletedCheckpointStorageLocation;
import org.apache.flink.runtime.state.filesystem.AbstractFsCheckpointStorageAccess;
import org.apache.flink.runtime.state.filesystem.FileStateHandle;
import org.apache.flink.runtime.state.filesystem.FsCompletedCheckpointStorageLocation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The savepoint that a job was being stopped with when something went wrong before its end was on record. Sinks commit by it as soon as it is complete; Flink
 * enters it nowhere and would go back to the checkpoint before it, so that what was committed came again.
 */
final class StopSavepoint {
  private static final Logger LOG = LoggerFactory.getLogger(StopSavepoint.class);

  /** As Flink names the directory of a savepoint: by the first six digits of its job's id. */
  private static final int DIGITS = 6;

  private StopSavepoint() {}

  /** @param directory of the job's savepoints of this kind, and of none that it went on after @param newest number of the newest entered checkpoint; 0: none is */
  static Optional<CompletedCheckpoint> after(long newest, JobID job, Path directory) throws IOException {
    FileSystem files = directory.getFileSystem();
    String ours = "savepoint-" + job.toHexString().substring(0, DIGITS) + "-";
    FileStatus[] found;
    try {
      found = Patience.with(directory, () -> files.listStatus(directory));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
    List<CompletedCheckpoint> complete = new ArrayList<>();
    for (FileStatus file : found == null ? new FileStatus[0] : found) {
      if (file.isDir() && file.getPath().getName().startsWith(ours)) {
        read(files, file.getPath(), job).ifPresent(complete::add);
      }
    }
    Optional<CompletedCheckpoint> latest =
        complete.stream().max(Comparator.comparingLong(CompletedCheckpoint::getCheckpointID)).filter(one -> one.getCheckpointID() > newest);
    latest.ifPresent(one -> LOG.info("Job {} was being stopped: it goes on from the savepoint that its sinks have committed by, {}.", job, one.getExternalPointer()));
    return latest;
  }

  /** Empty: it was never complete, as its metadata is written last. */
  private static Optional<CompletedCheckpoint> read(FileSystem files, Path savepoint, JobID job) throws IOException {
    Path file = new Path(savepoint, AbstractFsCheckpointStorageAccess.METADATA_FILE_NAME);
    byte[] bytes;
    try {
      bytes =
          Patience.with(
              file,
              () -> {
                try (FSDataInputStream in = files.open(file)) {
                  return in.readAllBytes();
                }
              });
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
    CheckpointMetadata metadata;
    try {
      metadata = StoredCheckpoints.parsed(bytes, savepoint.toString());
    } catch (Damaged e) {
      LOG.error("A savepoint is left out: {}", e.toString());
      return Optional.empty();
    }
    // Made here, since Flink's own way asks the storage again, and what the storage refuses for a moment is not damaged.
    CompletedCheckpointStorageLocation location =
        new FsCompletedCheckpointStorageLocation(files, savepoint, new FileStateHandle(file, bytes.length), savepoint.toString());
    Map<OperatorID, OperatorState> states =
        metadata.getOperatorStates().stream().collect(Collectors.toMap(OperatorState::getOperatorID, Function.identity()));
    long now = System.currentTimeMillis();
    // Nobody's but the person's who may go back to it: never deleted, and the next checkpoint refers to none of its files.
    CheckpointProperties properties = CheckpointProperties.forUnclaimedSnapshot();
    return Optional.of(
        new CompletedCheckpoint(job, metadata.getCheckpointId(), now, now, states, metadata.getMasterStates(), properties, location, null));
  }
}
