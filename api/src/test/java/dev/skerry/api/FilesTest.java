package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Workspace;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FilesTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();
    private final String session = client.newSession();
    private final String path = "/v1/sessions/" + session + "/files";

    @BeforeEach
    void aWorkspaceAsTheControlPlaneStoresIt() throws Exception {
        api.bean(Workspace.class)
                .store(
                        session,
                        List.of(
                                stored("haiku.txt", "old pond"),
                                stored("out/a b/ü.html", "<script>alert(1)</script>"),
                                new Workspace.Entry("lost.txt", 1, "0".repeat(64))));
    }

    @Test
    void listsTheNewestVersion() {
        TestingClient.Answer files = client.get(path);
        assertThat(files.json()
                        .at("/data")
                        .valueStream()
                        .map(file -> file.at("/path").asString()))
                .containsExactly("haiku.txt", "lost.txt", "out/a b/ü.html");
        assertThat(files.json().at("/data/0/size").asInt()).isEqualTo(8);
        assertThat(files.at("/data/0/sha256")).hasSize(64);
        assertThat(files.at("/data/0/updated_at")).endsWith("Z");
    }

    @Test
    void givesTheBytesAsSomethingThatNoBrowserRuns() {
        TestingClient.Answer file = client.get(path + "/out/a%20b/%C3%BC.html");
        assertThat(file.status()).isEqualTo(200);
        assertThat(file.text()).isEqualTo("<script>alert(1)</script>");
        assertThat(file.header("Content-Type")).isEqualTo("application/octet-stream");
        assertThat(file.header("Content-Disposition")).startsWith("attachment").contains("%C3%BC.html");
        assertThat(file.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(file.header("Content-Security-Policy")).startsWith("sandbox");
        assertThat(file.header("Content-Length")).isEqualTo("25");
    }

    @Test
    void saysWhenTheBytesAreMissing() {
        assertThat(client.get(path + "/lost.txt").status()).isEqualTo(503);
    }

    @Test
    void knowsNoOtherFile() {
        assertThat(client.get(path + "/nothing.txt").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../files",
                "/..%2f..%2fetc%2fpasswd",
                "/%2e%2e/%2e%2e/etc/passwd",
                "/a/%2e%2e/haiku.txt",
                "//etc/passwd",
                "/./haiku.txt",
                "/haiku.txt%00",
                "/haiku.txt%0a",
                "/..%5chaiku.txt",
                "/haiku.txt/",
                "/;x/haiku.txt"
            })
    void refusesToLeaveTheWorkspace(String hostile) {
        TestingClient.Answer refused = client.get(path + hostile);
        assertThat(refused.status()).isIn(400, 404, 422);
        assertThat(refused.text()).doesNotContain("old pond").doesNotContain("root:");
    }

    private Workspace.Entry stored(String name, String content) throws Exception {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        Path directory = Files.createDirectories(TestingApi.FILES.resolve(session));
        Files.write(directory.resolve(sha256), bytes);
        return new Workspace.Entry(name, bytes.length, sha256);
    }
}
