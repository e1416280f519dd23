package dev.skerry.controlplane.file;

import java.util.List;
import org.gaul.s3proxy.junit.S3ProxyExtension;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A bucket of a real S3-compatible server in this process, and the settings of a control plane that keeps workspaces in it. */
final class TestingBucket implements BeforeAllCallback, AfterAllCallback {
    static final String NAME = "workspaces";
    private static final String SECRET = "secret-of-the-store";

    private final S3ProxyExtension server =
            S3ProxyExtension.builder().withCredentials("access", SECRET).build();
    private S3Client admin;

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        server.beforeEach(context);
        admin = S3Client.builder()
                .endpointOverride(server.getUri())
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .httpClient(UrlConnectionHttpClient.create())
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("access", SECRET)))
                .build();
        create();
    }

    void create() {
        admin.createBucket(create -> create.bucket(NAME));
    }

    /** Deletes the bucket and all that is in it. */
    void delete() {
        keys("").forEach(key -> admin.deleteObject(delete -> delete.bucket(NAME).key(key)));
        admin.deleteBucket(delete -> delete.bucket(NAME));
    }

    List<String> keys(String prefix) {
        return admin.listObjectsV2(list -> list.bucket(NAME).prefix(prefix)).contents().stream()
                .map(S3Object::key)
                .toList();
    }

    void settings(DynamicPropertyRegistry registry) {
        String prefix = "skerry.control-plane.files.s3.";
        registry.add(prefix + "endpoint", server::getUri);
        registry.add(prefix + "bucket", () -> NAME);
        registry.add(prefix + "prefix", () -> "skerry/");
        registry.add(prefix + "access-key", () -> "access");
        registry.add(prefix + "secret-key", () -> SECRET);
        registry.add(prefix + "path-style", () -> "true");
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        admin.close();
        server.afterEach(context);
    }
}
