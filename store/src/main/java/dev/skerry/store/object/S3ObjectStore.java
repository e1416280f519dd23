package dev.skerry.store.object;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Keeps bytes in one bucket, as {@code <prefix><session>/<sha256>}.
 *
 * <p>Bytes are streamed through: the store is told their number beforehand and is given the last of them only when all are the
 * announced ones, so that it never has a whole object of other bytes. What a sandbox puts directly arrives under another key and is
 * copied to its place when it was read and found right.
 */
public final class S3ObjectStore implements ObjectStore, AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofSeconds(30);
    private static final Duration CALL = Duration.ofMinutes(30);
    private static final Duration OWN_URL = Duration.ofMinutes(5);
    private static final int CHUNK = 64 * 1024;
    private static final int NOT_FOUND = 404;
    private static final int PRECONDITION_FAILED = 412;

    private final S3Settings settings;
    private final boolean direct;
    private final S3Client client;
    private final S3Presigner presigner;

    /** @param direct whether {@link #uploadUrl} and {@link #downloadUrl} give out URLs of the store */
    public S3ObjectStore(S3Settings settings, boolean direct) {
        this.settings = settings;
        this.direct = direct;
        AwsCredentialsProvider credentials = credentials(settings);
        S3Configuration configuration = S3Configuration.builder()
                .pathStyleAccessEnabled(settings.pathStyle())
                .chunkedEncodingEnabled(false)
                .build();
        var client = S3Client.builder()
                .region(Region.of(settings.region()))
                .credentialsProvider(credentials)
                .serviceConfiguration(configuration)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .overrideConfiguration(override -> override.apiCallTimeout(CALL))
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT)
                        .socketTimeout(SILENCE));
        var presigner = S3Presigner.builder()
                .region(Region.of(settings.region()))
                .credentialsProvider(credentials)
                .serviceConfiguration(configuration);
        if (settings.endpoint() != null) {
            client.endpointOverride(settings.endpoint());
            presigner.endpointOverride(settings.endpoint());
        }
        this.client = client.build();
        this.presigner = presigner.build();
    }

    private static AwsCredentialsProvider credentials(S3Settings settings) {
        return settings.accessKey() == null || settings.secretKey() == null
                ? DefaultCredentialsProvider.builder().build()
                : StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(settings.accessKey(), settings.secretKey()));
    }

    @Override
    public void put(String session, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer {
        VerifiedStream verified = new VerifiedStream(bytes, sha256, size);
        try {
            upload(presignedPut(key(session, sha256), size, OWN_URL), size, verified);
        } catch (IOException e) {
            if (verified.difference() != null) {
                throw verified.difference();
            }
            throw e;
        }
    }

    private static void upload(URI url, long size, InputStream bytes) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
        connection.setRequestMethod("PUT");
        connection.setDoOutput(true);
        connection.setInstanceFollowRedirects(false);
        connection.setConnectTimeout((int) CONNECT.toMillis());
        connection.setReadTimeout((int) SILENCE.toMillis());
        connection.setRequestProperty("Content-Type", "application/octet-stream");
        connection.setFixedLengthStreamingMode(size);
        try {
            var output = connection.getOutputStream();
            byte[] chunk = new byte[CHUNK];
            int count = bytes.read(chunk);
            while (count >= 0) {
                output.write(chunk, 0, count);
                count = bytes.read(chunk);
            }
            output.close();
            int status = connection.getResponseCode();
            if (status >= 300) {
                throw new IOException("The object store answered " + status + " to bytes that were put.");
            }
        } finally {
            connection.disconnect();
        }
    }

    @Override
    public Optional<InputStream> open(String session, String sha256) throws IOException {
        return read(key(session, sha256)).map(InputStream.class::cast);
    }

    private Optional<ResponseInputStream<GetObjectResponse>> read(String key) throws IOException {
        try {
            return Optional.of(
                    client.getObject(get -> get.bucket(settings.bucket()).key(key)));
        } catch (NoSuchKeyException e) {
            return Optional.empty();
        } catch (SdkException e) {
            throw new IOException("The object store did not answer.", e);
        }
    }

    @Override
    public void delete(String session, String sha256) throws IOException {
        delete(key(session, sha256));
    }

    private void delete(String key) throws IOException {
        try {
            client.deleteObject(delete -> delete.bucket(settings.bucket()).key(key));
        } catch (SdkException e) {
            throw new IOException("The object store did not answer.", e);
        }
    }

    @Override
    public Optional<URI> uploadUrl(String session, String sha256, long size, Duration life) {
        return direct ? Optional.of(presignedPut(arriving(session, sha256), size, life)) : Optional.empty();
    }

    @Override
    public Optional<URI> downloadUrl(String session, String sha256, Duration life) {
        if (!direct) {
            return Optional.empty();
        }
        String key = key(session, sha256);
        return Optional.of(uri(presigner
                .presignGetObject(presign -> presign.signatureDuration(life)
                        .getObjectRequest(get -> get.bucket(settings.bucket()).key(key)))
                .url()));
    }

    @Override
    public boolean adopt(String session, String sha256, long size) throws IOException, BytesDiffer {
        String from = arriving(session, sha256);
        ResponseInputStream<GetObjectResponse> arrived = read(from).orElse(null);
        if (arrived == null) {
            return false;
        }
        VerifiedStream verified = new VerifiedStream(arrived, sha256, size);
        try (verified) {
            verified.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IOException e) {
            BytesDiffer difference = verified.difference();
            if (difference == null) {
                throw e;
            }
            delete(from);
            throw difference;
        }
        copyIfUnchanged(from, arrived.response().eTag(), key(session, sha256));
        delete(from);
        return true;
    }

    private void copyIfUnchanged(String from, @Nullable String eTag, String to) throws IOException, BytesDiffer {
        try {
            client.copyObject(copy -> copy.sourceBucket(settings.bucket())
                    .sourceKey(from)
                    .copySourceIfMatch(eTag)
                    .destinationBucket(settings.bucket())
                    .destinationKey(to));
        } catch (S3Exception e) {
            if (e.statusCode() == PRECONDITION_FAILED || e.statusCode() == NOT_FOUND) {
                throw new BytesDiffer("The bytes were changed while they were checked.");
            }
            throw new IOException("The object store did not answer.", e);
        } catch (SdkException e) {
            throw new IOException("The object store did not answer.", e);
        }
    }

    private URI presignedPut(String key, long size, Duration life) {
        return uri(presigner
                .presignPutObject(presign -> presign.signatureDuration(life)
                        .putObjectRequest(put -> put.bucket(settings.bucket())
                                .key(key)
                                .contentLength(size)
                                .contentType("application/octet-stream")))
                .url());
    }

    private static URI uri(java.net.URL url) {
        try {
            return url.toURI();
        } catch (URISyntaxException e) {
            throw new IllegalStateException("A signed URL is a URI.", e);
        }
    }

    private String key(String session, String sha256) {
        ObjectName name = new ObjectName(session, sha256);
        return settings.prefix() + name.session() + "/" + name.sha256();
    }

    private String arriving(String session, String sha256) {
        ObjectName name = new ObjectName(session, sha256);
        return settings.prefix() + "arriving/" + name.session() + "/" + name.sha256();
    }

    @Override
    public void close() {
        client.close();
        presigner.close();
    }
}
