package dev.skerry.controlplane.credential;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;

/**
 * What may be requested, written as {@code GET|HEAD https://api.example.com/v1/*}: methods, scheme, host, port and path. A path ends in
 * {@code *} or is meant exactly; a host may begin with {@code *.} for whatever is below it.
 */
public final class Rule {
    private static final Pattern FORM = Pattern.compile(
            "([A-Z]+(?:\\|[A-Z]+)*) (https?)://(\\*\\.)?([a-z0-9.-]+|\\[[0-9a-f:]+])(?::([0-9]{1,5}))?(/[^ ?#*]*)(\\*)?");
    private static final Pattern ENCODED = Pattern.compile("%(?:2f|5c|00|25)", Pattern.CASE_INSENSITIVE);

    private final String text;
    private final Set<String> methods;
    private final boolean below;
    private final boolean prefix;
    private final HttpUrl base;

    private Rule(String text, Set<String> methods, boolean below, boolean prefix, HttpUrl base) {
        this.text = text;
        this.methods = methods;
        this.below = below;
        this.prefix = prefix;
        this.base = base;
    }

    /** Throws {@link IllegalArgumentException} that says how a rule is written. */
    public static Rule of(String text) {
        Matcher form = FORM.matcher(text.strip());
        HttpUrl base = form.matches()
                ? HttpUrl.parse(form.group(2) + "://" + form.group(4)
                        + (form.group(5) == null ? "" : ":" + form.group(5)) + form.group(6))
                : null;
        if (base == null || !base.encodedPath().equals(form.group(6))) {
            throw new IllegalArgumentException(
                    "A rule is written as METHODS URL, such as: GET|POST https://api.example.com/v1/*");
        }
        return new Rule(
                text.strip(), Set.of(form.group(1).split("\\|")), form.group(3) != null, form.group(7) != null, base);
    }

    /** A path with an encoded slash, backslash, percent sign or NUL is allowed by no rule: servers disagree about what it means. */
    public boolean allows(String method, HttpUrl url) {
        return methods.contains(method)
                && url.scheme().equals(base.scheme())
                && url.port() == base.port()
                && hostMatches(url.host().toLowerCase(Locale.ROOT))
                && !ENCODED.matcher(url.encodedPath()).find()
                && pathMatches(url.encodedPath());
    }

    private boolean hostMatches(String host) {
        return below ? host.endsWith("." + base.host()) : host.equals(base.host());
    }

    private boolean pathMatches(String path) {
        return prefix ? path.startsWith(base.encodedPath()) : path.equals(base.encodedPath());
    }

    @Override
    public String toString() {
        return text;
    }
}
