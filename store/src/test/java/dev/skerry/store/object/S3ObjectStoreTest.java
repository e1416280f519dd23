package dev.skerry.store.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.gaul.s3proxy.junit.S3ProxyExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** Against a real S3-compatible server in this process. */
class S3ObjectStoreTest extends AbstractObjectStoreTest {
    private static final String BUCKET = "workspaces";
    private static final Duration MINUTES = Duration.ofMinutes(5);

    @RegisterExtension
    static final S3ProxyExtension SERVER = S3ProxyExtension.builder()
            .withCredentials("access", "secret-of-the-store")
            .build();

    private final HttpClient http = HttpClient.newHttpClient();
    private S3ObjectStore store;
    private S3Client admin;

    @BeforeEach
    void open() {
        admin = S3Client.builder()
                .endpointOverride(SERVER.getUri())
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .httpClient(UrlConnectionHttpClient.create())
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(SERVER.getAccessKey(), SERVER.getSecretKey())))
                .build();
        admin.createBucket(create -> create.bucket(BUCKET));
        store = new S3ObjectStore(settings("secret-of-the-store"), true);
    }

    @AfterEach
    void close() {
        store.close();
        admin.close();
    }

    private static S3Settings settings(String secretKey) {
        return new S3Settings(SERVER.getUri(), "us-east-1", BUCKET, "skerry/", "access", secretKey, true);
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void touchesNothingOutsideOfItsBucketAndPrefix() throws Exception {
        put("mine");

        assertThat(admin.listObjectsV2(list -> list.bucket(BUCKET)).contents())
                .extracting(object -> object.key())
                .containsExactly("skerry/" + SESSION + "/" + sha256("mine"));
    }

    @Test
    void takesDirectlyWhatASandboxPutsOnceItIsFoundRight() throws Exception {
        URI url = store.uploadUrl(SESSION, sha256("hello"), 5, MINUTES).orElseThrow();

        assertThat(put(url, "hello")).isEqualTo(200);
        assertThat(text(SESSION, sha256("hello"))).isEmpty();
        assertThat(store.adopt(SESSION, sha256("hello"), 5)).isTrue();
        assertThat(text(SESSION, sha256("hello"))).hasValue("hello");
        assertThat(store.adopt(SESSION, sha256("hello"), 5)).isFalse();
        assertThat(get(store.downloadUrl(SESSION, sha256("hello"), MINUTES).orElseThrow())
                        .body())
                .isEqualTo("hello");
    }

    @Test
    void whatIsPutLaterByTheSameUrlDoesNotReplaceWhatWasTaken() throws Exception {
        URI url = store.uploadUrl(SESSION, sha256("hello"), 5, MINUTES).orElseThrow();
        put(url, "hello");
        store.adopt(SESSION, sha256("hello"), 5);

        assertThat(put(url, "evil!")).isEqualTo(200);

        assertThat(text(SESSION, sha256("hello"))).hasValue("hello");
        assertThatThrownBy(() -> store.adopt(SESSION, sha256("hello"), 5)).isInstanceOf(BytesDiffer.class);
        assertThat(store.adopt(SESSION, sha256("hello"), 5)).isFalse();
    }

    @Test
    void refusesAnUploadOfAnotherSize() throws Exception {
        URI url = store.uploadUrl(SESSION, sha256("hello"), 5, MINUTES).orElseThrow();

        assertThat(put(url, "hello and much more")).isEqualTo(403);
        assertThat(put(url, "hell")).isEqualTo(403);
        assertThat(store.adopt(SESSION, sha256("hello"), 5)).isFalse();
    }

    @Test
    void refusesUrlsThatWereTamperedWith() throws Exception {
        String url = store.uploadUrl(SESSION, sha256("hello"), 5, MINUTES)
                .orElseThrow()
                .toString();
        String read = store.downloadUrl(SESSION, sha256("hello"), MINUTES)
                .orElseThrow()
                .toString();
        put("hello");

        assertThat(put(URI.create(url.replace(SESSION, OTHER)), "hello")).isEqualTo(403);
        assertThat(put(URI.create(url.replace("arriving/", "")), "hello")).isEqualTo(403);
        assertThat(put(URI.create(url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")), "hello"))
                .isEqualTo(403);
        assertThat(get(URI.create(read.replace(SESSION, OTHER))).statusCode()).isEqualTo(403);
        assertThat(get(URI.create(read.replace("X-Amz-Signature=", "X-Amz-Signature=0")))
                        .statusCode())
                .isEqualTo(403);
        assertThat(get(URI.create(url)).statusCode()).isEqualTo(403);
        assertThat(put(URI.create(read), "hello")).isEqualTo(403);
        assertThat(get(URI.create(read.substring(0, read.indexOf('?')))).statusCode())
                .isEqualTo(403);
    }

    @Test
    void refusesUrlsThatHaveExpired() throws Exception {
        put("hello");
        URI url = store.downloadUrl(SESSION, sha256("hello"), Duration.ofSeconds(1))
                .orElseThrow();

        await().atMost(Duration.ofSeconds(10)).until(() -> get(url).statusCode() == 403);
    }

    @Test
    void saysThatTheStoreDoesNotAnswerWhenItsKeyIsWrong() {
        try (S3ObjectStore stranger = new S3ObjectStore(settings("another-secret"), false)) {
            assertThatThrownBy(() -> stranger.put(SESSION, sha256("hello"), 5, stream("hello")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("object store")
                    .hasMessageNotContaining("another-secret");
            assertThatThrownBy(() -> stranger.open(SESSION, sha256("hello"))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void givesOutNoUrlsUnlessItIsToldTo() {
        try (S3ObjectStore through = new S3ObjectStore(settings("secret-of-the-store"), false)) {
            assertThat(through.uploadUrl(SESSION, sha256("hello"), 5, MINUTES)).isEmpty();
            assertThat(through.downloadUrl(SESSION, sha256("hello"), MINUTES)).isEmpty();
        }
    }

    private int put(URI url, String text) throws IOException, InterruptedException {
        return http.send(
                        HttpRequest.newBuilder(url)
                                .header("Content-Type", "application/octet-stream")
                                .PUT(HttpRequest.BodyPublishers.ofString(text))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private HttpResponse<String> get(URI url) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString());
    }
}
