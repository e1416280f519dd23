package dev.skerry.api.key;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import org.junit.jupiter.api.Test;

class ApiKeyTest {
    private final ApiKey key = ApiKey.generate(new SecureRandom());

    @Test
    void hasItsPrefixFortyThreeDigitsAndAChecksum() {
        assertThat(key.reveal()).matches("sk_skerry_[0-9A-Za-z]{49}");
        assertThat(ApiKey.generate(new SecureRandom()).reveal()).isNotEqualTo(key.reveal());
    }

    @Test
    void isReadBackFromItsText() {
        assertThat(ApiKey.parse(key.reveal()))
                .hasValueSatisfying(parsed -> assertThat(parsed.sha256()).isEqualTo(key.sha256()));
    }

    @Test
    void refusesATypingErrorAnywhere() {
        String text = key.reveal();
        for (int i = 0; i < text.length(); i++) {
            char other = text.charAt(i) == 'x' ? 'y' : 'x';
            assertThat(ApiKey.parse(text.substring(0, i) + other + text.substring(i + 1)))
                    .isEmpty();
        }
        assertThat(ApiKey.parse("")).isEmpty();
        assertThat(ApiKey.parse(text + "0")).isEmpty();
    }

    @Test
    void doesNotShowItselfInLogs() {
        assertThat(key.toString()).isEqualTo("sk_skerry_...");
    }
}
