package dev.skerry.controlplane.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.World;
import dev.skerry.controlplane.file.Workbench.File;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A control plane that keeps workspaces in a bucket, through which all bytes pass. */
@ControlPlaneTest
class BucketTest {
    @RegisterExtension
    static final TestingBucket BUCKET = new TestingBucket();

    private static final File HAIKU = new File("poems/haiku.txt", "old pond");

    @Autowired
    World world;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) {
        BUCKET.settings(registry);
    }

    @Test
    void keepsAWorkspaceInItsBucketAndGivesItBackByItsOwnUrls() throws Exception {
        Workbench bench = bench();

        String url = bench.uploadUrl(HAIKU);
        assertThat(url).startsWith(bench.sandbox().origin());
        assertThat(Workbench.put(url, HAIKU.text())).isEqualTo(204);
        assertThat(bench.manifest(HAIKU).text()).isEqualTo("{\"version\":1}");

        String download = bench.downloadUrl(HAIKU.path());
        assertThat(download).startsWith(bench.sandbox().origin());
        assertThat(Workbench.get(download).body()).isEqualTo("old pond");
        assertThat(BUCKET.keys("skerry/" + bench.sandbox().session()))
                .containsExactly("skerry/" + bench.sandbox().session() + "/" + HAIKU.sha256());
    }

    @Test
    void neverHasAnObjectOfOtherBytes() throws Exception {
        Workbench bench = bench();
        String url = bench.uploadUrl(HAIKU);

        assertThat(Workbench.put(url, "new pond")).isEqualTo(422);
        assertThat(Workbench.put(url, "old pond, a frog")).isEqualTo(422);
        assertThat(Workbench.put(url, "old")).isEqualTo(422);

        assertThat(BUCKET.keys("skerry/" + bench.sandbox().session())).isEmpty();
        assertThat(bench.manifest(HAIKU).status()).isEqualTo(422);
    }

    @Test
    void asksForPatienceWhileTheBucketIsAwayAndLosesNothing() throws Exception {
        Workbench bench = bench();
        String url = bench.uploadUrl(HAIKU);

        BUCKET.delete();
        assertThat(Workbench.put(url, HAIKU.text())).isEqualTo(503);
        BUCKET.create();

        assertThat(Workbench.put(url, HAIKU.text())).isEqualTo(204);
        assertThat(bench.manifest(HAIKU).text()).isEqualTo("{\"version\":1}");
    }

    private Workbench bench() {
        return new Workbench(world.boot(world.session(), 1));
    }
}
