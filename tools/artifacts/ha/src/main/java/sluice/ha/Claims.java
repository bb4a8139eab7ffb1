package sluice.ha;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.IllegalConfigurationException;
import org.apache.flink.core.fs.Path;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * The two requests to S3 that Flink's file systems do not have: make an object unless it is there, and ask for an object alone (their
 * {@code exists} lists a directory too, which costs thirteen times as much). Only JobManagers with a stand-by make them.
 */
final class Claims implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final ConfigOption<String> REGION = text("s3.region");
  private static final ConfigOption<String> ENDPOINT = text("s3.endpoint");
  private static final ConfigOption<String> ACCESS_KEY = text("s3.access-key");
  private static final ConfigOption<String> SECRET_KEY = text("s3.secret-key");
  private static final ConfigOption<Boolean> PATH_STYLE = ConfigOptions.key("s3.path.style.access").booleanType().defaultValue(false);

  private final S3Client s3;
  private final Terms terms;

  Claims(Configuration configuration, Path storage) {
    if (!storage.toUri().getScheme().startsWith("s3")) {
      throw new IllegalConfigurationException("A stand-by JobManager needs S3, where an object can be made only if it is not there; not " + storage);
    }
    this.terms = new Terms(storage);
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(UrlConnectionHttpClient.builder().connectionTimeout(PATIENCE).socketTimeout(PATIENCE))
            .forcePathStyle(configuration.get(PATH_STYLE))
            .overrideConfiguration(override -> override.apiCallAttemptTimeout(PATIENCE).apiCallTimeout(PATIENCE.multipliedBy(2)));
    configuration.getOptional(REGION).ifPresent(region -> builder.region(Region.of(region)));
    configuration.getOptional(ENDPOINT).ifPresent(endpoint -> builder.endpointOverride(URI.create(endpoint)));
    configuration
        .getOptional(ACCESS_KEY)
        .map(key -> AwsBasicCredentials.create(key, configuration.get(SECRET_KEY)))
        .ifPresent(keys -> builder.credentialsProvider(StaticCredentialsProvider.create(keys)));
    this.s3 = builder.build();
  }

  /**
   * @return whether the term was made by this call. If not, who has it is to be asked for: an earlier call's answer may have been lost
   * @throws IOException when that is not known
   */
  boolean claim(Term term) throws IOException {
    Path path = terms.path(term.number(), Terms.LEADER);
    try {
      s3.putObject(request -> request.bucket(bucket(path)).key(key(path)).ifNoneMatch("*"), RequestBody.fromBytes(term.content()));
      return true;
    } catch (S3Exception e) {
      if (e.statusCode() == 412) {
        return false;
      }
      throw new IOException("Term " + term.number() + " cannot be claimed now", e);
    } catch (SdkException e) {
      throw new IOException("Term " + term.number() + " cannot be claimed now", e);
    }
  }

  boolean isTaken(long number) throws IOException {
    Path path = terms.path(number, Terms.LEADER);
    try {
      s3.headObject(request -> request.bucket(bucket(path)).key(key(path)));
      return true;
    } catch (S3Exception e) {
      if (e.statusCode() == 404) {
        return false;
      }
      throw new IOException(path + " cannot be looked for", e);
    } catch (SdkException e) {
      throw new IOException(path + " cannot be looked for", e);
    }
  }

  @Override
  public void close() {
    s3.close();
  }

  private static String bucket(Path path) {
    return path.toUri().getHost();
  }

  private static String key(Path path) {
    return path.toUri().getPath().substring(1);
  }

  private static ConfigOption<String> text(String key) {
    return ConfigOptions.key(key).stringType().noDefaultValue();
  }
}
