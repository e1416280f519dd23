package dev.skerry.controlplane.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class FileTest {
    private static final byte[] HAIKU = "old pond".getBytes(StandardCharsets.UTF_8);

    @Autowired
    World world;

    @Autowired
    ControlPlaneSettings settings;

    @Test
    void keepsAWorkspaceAndGivesItBack() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        String file = entry("poems/haiku.txt", HAIKU);

        String url = uploadUrl(sandbox, file);
        assertThat(Http.put(world.sandboxOrigin() + url, HAIKU).status()).isEqualTo(204);
        assertThat(sandbox.post("/files/uploads", "{'files': [" + file + "]}").text())
                .isEqualTo("{\"files\":[{\"path\":\"poems/haiku.txt\",\"have\":true}]}");
        String manifest = "{'turn': null, 'files': [" + file + "]}";
        assertThat(sandbox.put("/files/manifest", manifest).text()).isEqualTo("{\"version\":1}");
        assertThat(sandbox.put("/files/manifest", manifest).text()).isEqualTo("{\"version\":1}");

        Answer downloads = sandbox.post("/files/downloads", "{'paths': null}");
        String download = downloads.body().path("files").path(0).path("url").asString();
        assertThat(Http.call("GET", world.sandboxOrigin() + download, null, null)
                        .text())
                .isEqualTo("old pond");
        assertThat(sandbox.get("/state")
                        .body()
                        .path("workspace")
                        .path(0)
                        .path("path")
                        .asString())
                .isEqualTo("poems/haiku.txt");
        Path kept = settings.files().root().resolve(sandbox.session()).resolve(sha256(HAIKU));
        assertThat(Files.readAllBytes(kept)).isEqualTo(HAIKU);
    }

    @Test
    void refusesBytesThatWereNotAnnounced() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String url = world.sandboxOrigin() + uploadUrl(sandbox, entry("a.txt", HAIKU));

        assertThat(Http.put(url, "new pond".getBytes(StandardCharsets.UTF_8)).status())
                .isEqualTo(422);
        assertThat(Http.put(url, "old pon".getBytes(StandardCharsets.UTF_8)).status())
                .isEqualTo(422);
        assertThat(Http.put(url, "old pond!".getBytes(StandardCharsets.UTF_8)).status())
                .isEqualTo(422);
        assertThat(sandbox.put("/files/manifest", "{'files': [" + entry("a.txt", HAIKU) + "]}")
                        .status())
                .isEqualTo(422);
        assertThat(Http.put(url, HAIKU).status()).isEqualTo(204);
    }

    @Test
    void refusesUrlsThatWereTamperedWithOrAreTooOld() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        Sandbox other = world.boot(world.session(), 1);
        String url = world.sandboxOrigin() + uploadUrl(sandbox, entry("a.txt", HAIKU));
        byte[] larger = "old pond, a frog".getBytes(StandardCharsets.UTF_8);

        assertThat(Http.put(url.replace("size=8", "size=16"), larger).status()).isEqualTo(403);
        assertThat(Http.put(url.replace(sha256(HAIKU), sha256(larger)), larger).status())
                .isEqualTo(403);
        assertThat(Http.put(url.replace(sandbox.session(), other.session()), HAIKU)
                        .status())
                .isEqualTo(403);
        assertThat(Http.put(url.replaceFirst("expires=\\d", "expires=9"), HAIKU).status())
                .isEqualTo(403);
        assertThat(Http.put(url.replace("key=k2", "key=k1"), HAIKU).status()).isEqualTo(403);
        assertThat(Http.call("GET", url, null, null).status()).isEqualTo(403);
        assertThat(Http.put(url.replaceFirst("&signature=.*", ""), HAIKU).status())
                .isEqualTo(400);
        assertThat(Http.put(url, HAIKU).status()).isEqualTo(204);
    }

    @Test
    void refusesUrlsOfAnIncarnationThatIsOver() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String url = world.sandboxOrigin() + uploadUrl(sandbox, entry("a.txt", HAIKU));
        world.bootToken(sandbox.session(), 2);

        assertThat(Http.put(url, HAIKU).code()).isEqualTo("fenced");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/etc/passwd",
                "../x",
                "a/../../x",
                "a/./b",
                "a//b",
                "a/",
                ".",
                "..",
                "a\\u0000b",
                "a\\nb",
                "a\\u007fb",
                "\\ud800",
            })
    void refusesHostilePaths(String path) {
        Sandbox sandbox = world.boot(world.session(), 1);
        String file = "{'path': '" + path + "', 'size': 8, 'sha256': '" + sha256(HAIKU) + "'}";

        assertThat(sandbox.post("/files/uploads", "{'files': [" + file + "]}").status())
                .isEqualTo(422);
        assertThat(sandbox.put("/files/manifest", "{'files': [" + file + "]}").status())
                .isEqualTo(422);
        assertThat(sandbox.post("/files/downloads", "{'paths': ['" + path + "']}")
                        .status())
                .isEqualTo(422);
    }

    @Test
    void refusesPathsThatAreTooLong() {
        Sandbox sandbox = world.boot(world.session(), 1);

        assertThat(sandbox.post("/files/uploads", "{'files': [" + entry("é".repeat(512), HAIKU) + "]}")
                        .status())
                .isEqualTo(200);
        assertThat(sandbox.post("/files/uploads", "{'files': [" + entry("é".repeat(513), HAIKU) + "]}")
                        .status())
                .isEqualTo(422);
    }

    @Test
    void refusesAManifestThatNamesAPathTwice() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String file = entry("a.txt", HAIKU);
        Http.put(world.sandboxOrigin() + uploadUrl(sandbox, file), HAIKU);

        assertThat(sandbox.put("/files/manifest", "{'files': [" + file + "," + file + "]}")
                        .status())
                .isEqualTo(422);
    }

    @Test
    void refusesAManifestOfAnotherSessionsBytes() {
        Sandbox sandbox = world.boot(world.session(), 1);
        Sandbox other = world.boot(world.session(), 1);
        String file = entry("a.txt", HAIKU);
        Http.put(world.sandboxOrigin() + uploadUrl(sandbox, file), HAIKU);

        assertThat(other.put("/files/manifest", "{'files': [" + file + "]}").status())
                .isEqualTo(422);
    }

    @Test
    void keepsASessionWithinItsQuota() {
        Sandbox sandbox = world.boot(world.session(), 1);
        byte[] first = new byte[8000];
        byte[] second = new byte[8001];
        String urlOfFirst = uploadUrl(sandbox, entry("1", first));
        String urlOfSecond = uploadUrl(sandbox, entry("2", second));

        assertThat(Http.put(world.sandboxOrigin() + urlOfFirst, first).status()).isEqualTo(204);
        assertThat(Http.put(world.sandboxOrigin() + urlOfSecond, second).status())
                .isEqualTo(413);
        assertThat(sandbox.post("/files/uploads", "{'files': [" + entry("2", second) + "]}")
                        .code())
                .isEqualTo("too_large");
        assertThat(sandbox.post("/files/uploads", "{'files': [" + entry("3", new byte[9000]) + "]}")
                        .code())
                .isEqualTo("too_large");
    }

    @Test
    void saysThatAFileIsUnknown() {
        Sandbox sandbox = world.boot(world.session(), 1);

        assertThat(sandbox.post("/files/downloads", "{'paths': ['no.txt']}").status())
                .isEqualTo(404);
    }

    private String uploadUrl(Sandbox sandbox, String file) {
        return sandbox.post("/files/uploads", "{'files': [" + file + "]}")
                .body()
                .path("files")
                .path(0)
                .path("url")
                .asString();
    }

    private static String entry(String path, byte[] bytes) {
        return "{'path': '" + path + "', 'size': " + bytes.length + ", 'sha256': '" + sha256(bytes) + "'}";
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
