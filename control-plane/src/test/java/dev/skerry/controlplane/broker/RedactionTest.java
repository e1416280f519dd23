package dev.skerry.controlplane.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {
    private static final String SECRET = "s3cr3t/+canary\"=value";

    private final Redaction redaction = new Redaction(List.of(SECRET));

    @Test
    void replacesTheSecretInEveryFormThatServersEcho() {
        byte[] bytes = SECRET.getBytes(StandardCharsets.UTF_8);
        for (String form : List.of(
                SECRET,
                URLEncoder.encode(SECRET, StandardCharsets.UTF_8),
                SECRET.replace("\"", "\\\""),
                HexFormat.of().formatHex(bytes),
                SECRET.replace("\"", "&quot;"))) {
            assertThat(redaction.of("before " + form + " after")).isEqualTo("before [credential] after");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "ab", "user:", "Bearer "})
    void replacesItInBase64WhateverComesBefore(String before) {
        String echoed = Base64.getEncoder().encodeToString((before + SECRET + "!").getBytes(StandardCharsets.UTF_8));

        String shown = redaction.of(echoed);

        assertThat(shown).contains("[credential]");
        assertThat(shown.replace("[credential]", "")).hasSizeLessThan(before.length() * 2 + 10);
    }

    @Test
    void leavesOtherBytesAsTheyAre() {
        byte[] bytes = {0, (byte) 0xff, (byte) 0xfe, 's', '3', 'c'};

        assertThat(redaction.of(bytes)).isEqualTo(bytes);
    }
}
