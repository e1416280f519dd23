package dev.skerry.store.object;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryObjectStoreTest extends AbstractObjectStoreTest {
    @TempDir
    Path directory;

    private ObjectStore store;

    @BeforeEach
    void open() {
        store = new DirectoryObjectStore(directory);
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void leavesNothingBehindInTheFolderOfArrivals() throws Exception {
        put("kept");
        keepsNothingOfOtherBytesThanWereAnnounced();

        assertThat(directory.resolve(".arriving")).isEmptyDirectory();
    }
}
