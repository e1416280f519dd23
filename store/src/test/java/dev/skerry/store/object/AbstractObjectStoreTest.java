package dev.skerry.store.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What every object store owes. */
abstract class AbstractObjectStoreTest {
    static final String SESSION = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    static final String OTHER = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAW";

    abstract ObjectStore store();

    @Test
    void givesBackWhatItKeeps() throws Exception {
        put("hello");

        assertThat(text(SESSION, sha256("hello"))).hasValue("hello");
        assertThat(text(OTHER, sha256("hello"))).isEmpty();
        assertThat(text(SESSION, sha256("else"))).isEmpty();
    }

    @Test
    void keepsAnEmptyFileAndALargeOne() throws Exception {
        put("");
        String large = "0123456789abcdef".repeat(200_000);
        put(large);

        assertThat(text(SESSION, sha256(""))).hasValue("");
        assertThat(text(SESSION, sha256(large))).hasValue(large);
    }

    @Test
    void keepsTheSameBytesTwiceWithoutHarm() throws Exception {
        put("twice");
        put("twice");

        assertThat(text(SESSION, sha256("twice"))).hasValue("twice");
    }

    @Test
    void keepsNothingOfOtherBytesThanWereAnnounced() throws IOException {
        for (String wrong : new String[] {"hellO", "hell", "hello!", ""}) {
            assertThatThrownBy(() -> store().put(SESSION, sha256("hello"), 5, stream(wrong)))
                    .as(wrong)
                    .isInstanceOf(BytesDiffer.class);
        }
        assertThat(text(SESSION, sha256("hello"))).isEmpty();
    }

    @Test
    void keepsNothingOfBytesThatBreakOff() throws IOException {
        InputStream broken = new InputStream() {
            private int left = 3;

            @Override
            public int read() throws IOException {
                if (left-- <= 0) {
                    throw new IOException("connection reset");
                }
                return 'x';
            }
        };

        assertThatThrownBy(() -> store().put(SESSION, sha256("xxxxx"), 5, broken))
                .isInstanceOf(IOException.class);
        assertThat(text(SESSION, sha256("xxxxx"))).isEmpty();
    }

    @Test
    void forgetsOnRequestAndToleratesARepeat() throws Exception {
        put("gone");
        store().delete(SESSION, sha256("gone"));
        store().delete(SESSION, sha256("gone"));

        assertThat(text(SESSION, sha256("gone"))).isEmpty();
    }

    @Test
    void takesNoNameThatLeadsElsewhere() {
        for (String session : new String[] {"..", "ses_../../../../../../../x", "", OTHER + "/x"}) {
            assertThatThrownBy(() -> store().open(session, sha256("x"))).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> store().open(SESSION, "../" + OTHER)).isInstanceOf(IllegalArgumentException.class);
    }

    final void put(String text) throws Exception {
        store().put(SESSION, sha256(text), text.length(), stream(text));
    }

    final Optional<String> text(String session, String sha256) throws IOException {
        Optional<InputStream> found = store().open(session, sha256);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (InputStream bytes = found.get()) {
            return Optional.of(new String(bytes.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
