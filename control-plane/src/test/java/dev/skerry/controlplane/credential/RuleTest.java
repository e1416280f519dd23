package dev.skerry.controlplane.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Objects;
import okhttp3.HttpUrl;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RuleTest {
    private final Rule rule = Rule.of("GET|POST https://api.example.com/v1/*");

    @ParameterizedTest
    @CsvSource({
        "GET, https://api.example.com/v1/items",
        "POST, https://API.example.com/v1/",
        "GET, https://api.example.com:443/v1/a/b?c=d",
    })
    void allowsMethodHostAndPathBelow(String method, String url) {
        assertThat(rule.allows(method, url(url))).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "DELETE, https://api.example.com/v1/items",
        "GET, http://api.example.com/v1/items",
        "GET, https://api.example.com:8443/v1/items",
        "GET, https://api.example.com/v2/items",
        "GET, https://api.example.com/v1",
        "GET, https://api.example.com/v1/../admin",
        "GET, https://api.example.com/v1/%2e%2e/admin",
        "GET, https://api.example.com/v1/..%2fadmin",
        "GET, https://api.example.com/v1/%5c..%5cadmin",
        "GET, https://api.example.com/v1/%252e%252e/admin",
        "GET, https://api.example.com.evil.example/v1/items",
        "GET, https://evil.example/api.example.com/v1/",
        "GET, https://sub.api.example.com/v1/items",
    })
    void allowsNothingElse(String method, String url) {
        assertThat(rule.allows(method, url(url))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "https://a.example.com/x, true",
        "https://a.b.example.com/x, true",
        "https://example.com/x, false",
        "https://badexample.com/x, false"
    })
    void mayMeanWhateverIsBelowAHost(String url, boolean allowed) {
        assertThat(Rule.of("GET https://*.example.com/*").allows("GET", url(url)))
                .isEqualTo(allowed);
    }

    @ParameterizedTest
    @CsvSource({"https://e.example/x, true", "https://e.example/x/, false", "https://e.example/xy, false"})
    void meansAPathWithoutStarExactly(String url, boolean allowed) {
        assertThat(Rule.of("GET https://e.example/x").allows("GET", url(url))).isEqualTo(allowed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "https://api.example.com/", "GET api.example.com", "get https://api.example.com/",
                        "GET ftp://a.example/",
                "GET https://*/", "GET https://a.*.example/", "GET https://a.example/*/b", "GET https://a.example/x?y",
                        "GET https://a.example",
                "GET https://u@a.example/", "GET https://a.example/../b",
            })
    void mustBeWrittenAsDocumented(String text) {
        assertThatThrownBy(() -> Rule.of(text)).hasMessageContaining("METHODS URL");
    }

    private static HttpUrl url(String text) {
        return Objects.requireNonNull(HttpUrl.parse(text));
    }
}
