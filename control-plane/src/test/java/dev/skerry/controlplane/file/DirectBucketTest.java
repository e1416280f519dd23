package dev.skerry.controlplane.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.World;
import dev.skerry.controlplane.file.Workbench.File;
import dev.skerry.store.Workspace;
import dev.skerry.store.Workspace.Tombstone;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** A control plane whose sandboxes put bytes into the bucket and read them there, by signed URLs. */
@ControlPlaneTest
@TestPropertySource(
        properties = {
            "skerry.control-plane.files.direct=true",
            "skerry.control-plane.limits.url=8s",
            "skerry.control-plane.limits.versions=2",
        })
class DirectBucketTest {
    @RegisterExtension
    static final TestingBucket BUCKET = new TestingBucket();

    private static final File HAIKU = new File("haiku.txt", "old pond");

    @Autowired
    World world;

    @Autowired
    Workspace workspace;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) {
        BUCKET.settings(registry);
    }

    @Test
    void bytesGoToTheBucketAndBackWithoutPassingThroughTheControlPlane() throws Exception {
        Workbench bench = bench();

        String url = bench.uploadUrl(HAIKU);
        assertThat(url).doesNotStartWith(bench.sandbox().origin()).contains(TestingBucket.NAME, "X-Amz-Signature");
        assertThat(Workbench.put(url, HAIKU.text())).isEqualTo(200);
        assertThat(bench.manifest(HAIKU).text()).isEqualTo("{\"version\":1}");

        String download = bench.downloadUrl(HAIKU.path());
        assertThat(download).contains(TestingBucket.NAME, "X-Amz-Signature");
        assertThat(Workbench.get(download).body()).isEqualTo("old pond");
        assertThat(keys(bench)).containsExactly(key(bench, HAIKU));
        assertThat(world.eventTypes(bench.sandbox().session())).doesNotContain("policy.denied");
    }

    @Test
    void refusesOtherBytesAndOtherSizes() throws Exception {
        Workbench bench = bench();
        String url = bench.uploadUrl(HAIKU);

        assertThat(Workbench.put(url, "old pond, and a frog")).isEqualTo(403);
        assertThat(Workbench.put(url, "new pond")).isEqualTo(200);

        assertThat(bench.manifest(HAIKU).status()).isEqualTo(422);
        assertThat(keys(bench)).isEmpty();
        assertThat(Workbench.put(url, HAIKU.text())).isEqualTo(200);
        assertThat(bench.manifest(HAIKU).text()).isEqualTo("{\"version\":1}");
    }

    @Test
    void whatIsPutAfterwardsByTheSameUrlChangesNothing() throws Exception {
        Workbench bench = bench();
        String url = bench.uploadUrl(HAIKU);
        Workbench.put(url, HAIKU.text());
        bench.manifest(HAIKU);

        assertThat(Workbench.put(url, "new pond")).isEqualTo(200);

        assertThat(Workbench.get(bench.downloadUrl(HAIKU.path())).body()).isEqualTo("old pond");
    }

    @Test
    void refusesUrlsThatWereTamperedWith() throws Exception {
        Workbench bench = bench();
        Workbench other = bench();
        String url = bench.uploadUrl(HAIKU);
        bench.store(HAIKU);
        String read = bench.downloadUrl(HAIKU.path());

        assertThat(Workbench.put(
                        url.replace(bench.sandbox().session(), other.sandbox().session()), HAIKU.text()))
                .isEqualTo(403);
        assertThat(Workbench.put(url.replace("arriving/", ""), HAIKU.text())).isEqualTo(403);
        assertThat(Workbench.put(url.replace("/" + TestingBucket.NAME + "/", "/elsewhere/"), HAIKU.text()))
                .isEqualTo(403);
        assertThat(Workbench.put(url.replaceFirst("X-Amz-Expires=\\d+", "X-Amz-Expires=3000"), HAIKU.text()))
                .isEqualTo(403);
        assertThat(Workbench.get(read.replace("X-Amz-Signature=", "X-Amz-Signature=0"))
                        .statusCode())
                .isEqualTo(403);
        assertThat(Workbench.get(read.substring(0, read.indexOf('?'))).statusCode())
                .isEqualTo(403);
        assertThat(Workbench.put(read, HAIKU.text())).isEqualTo(403);
    }

    @Test
    void refusesUrlsThatHaveExpired() throws Exception {
        Workbench bench = bench();
        String put = bench.uploadUrl(new File("late.txt", "too late"));
        bench.store(HAIKU);
        String get = bench.downloadUrl(HAIKU.path());
        assertThat(Workbench.get(get).statusCode()).isEqualTo(200);

        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(Workbench.get(get).statusCode()).isEqualTo(403));

        assertThat(Workbench.put(put, "too late")).isEqualTo(403);
    }

    @Test
    void aSessionCannotNameBytesOfAnother() throws Exception {
        Workbench bench = bench();
        bench.store(HAIKU);

        assertThat(bench().manifest(HAIKU).status()).isEqualTo(422);
    }

    @Test
    void aSessionStaysWithinItsQuotaHoweverItAnnouncesItsFiles() throws Exception {
        Workbench bench = bench();
        File first = new File("1", "a".repeat(8000));
        File second = new File("2", "b".repeat(8000));
        Workbench.put(bench.uploadUrl(first), first.text());
        Workbench.put(bench.uploadUrl(second), second.text());

        assertThat(bench.manifest(first, second).code()).isEqualTo("too_large");

        assertThat(bench.manifest(first).text()).isEqualTo("{\"version\":1}");
        assertThat(workspace.storedBytes(bench.sandbox().session())).isEqualTo(8000);
    }

    @Test
    void bytesOfForgottenVersionsLeaveTheBucketAndThoseOfTombstonesStay() throws Exception {
        Workbench bench = bench();
        File draft = new File("draft.txt", "draft");
        File second = new File("haiku.txt", "a frog jumps in");
        File third = new File("haiku.txt", "the sound of water");
        File fourth = new File("haiku.txt", "silence");
        bench.store(HAIKU, draft);
        bench.store(second);

        assertThat(workspace.tombstones(bench.sandbox().session()))
                .containsExactly(new Tombstone(2, draft.path(), draft.size(), draft.sha256()));
        assertThat(keys(bench)).containsExactlyInAnyOrder(key(bench, HAIKU), key(bench, draft), key(bench, second));

        bench.store(third);

        assertThat(keys(bench)).containsExactlyInAnyOrder(key(bench, draft), key(bench, second), key(bench, third));

        bench.store(fourth);

        assertThat(workspace.tombstones(bench.sandbox().session())).isEmpty();
        assertThat(keys(bench)).containsExactlyInAnyOrder(key(bench, third), key(bench, fourth));
        assertThat(Workbench.get(bench.downloadUrl("haiku.txt")).body()).isEqualTo("silence");
    }

    private List<String> keys(Workbench bench) {
        return BUCKET.keys("skerry/").stream()
                .filter(key -> key.contains(bench.sandbox().session()))
                .toList();
    }

    private static String key(Workbench bench, File file) {
        return "skerry/" + bench.sandbox().session() + "/" + file.sha256();
    }

    private Workbench bench() {
        return new Workbench(world.boot(world.session(), 1));
    }
}
