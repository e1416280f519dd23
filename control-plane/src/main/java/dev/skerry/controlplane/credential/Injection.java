package dev.skerry.controlplane.credential;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How a credential's value is put into a request. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "as")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Injection.Header.class, name = "header"),
    @JsonSubTypes.Type(value = Injection.Basic.class, name = "basic"),
    @JsonSubTypes.Type(value = Injection.Query.class, name = "query"),
    @JsonSubTypes.Type(value = Injection.SigV4.class, name = "sigv4")
})
public sealed interface Injection {
    /** As a header's value, after a prefix such as {@code Bearer }. */
    record Header(String name, String prefix) implements Injection {
        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]{1,64}");
        private static final Pattern PREFIX = Pattern.compile("[ -~]{0,64}");

        public Header(@Nullable String name, @Nullable String prefix) {
            this.name = matching(name, NAME, "A header's name has letters, digits and hyphens.");
            this.prefix = matching(prefix == null ? "" : prefix, PREFIX, "A header's prefix is printable ASCII.");
        }
    }

    /** As the password of HTTP Basic. */
    record Basic(String username) implements Injection {
        private static final Pattern USERNAME = Pattern.compile("[ -9;-~]{0,256}");

        public Basic(@Nullable String username) {
            this.username = matching(username, USERNAME, "A user name is printable ASCII without a colon.");
        }
    }

    /** As a parameter of the URL. */
    record Query(String name) implements Injection {
        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.\\[\\]-]{1,64}");

        public Query(@Nullable String name) {
            this.name = matching(name, NAME, "A parameter's name has letters, digits and _ . [ ] -");
        }
    }

    /** As the secret key of an AWS Signature Version 4. */
    record SigV4(String accessKeyId, String region, String service) implements Injection {
        private static final Pattern PART = Pattern.compile("[A-Za-z0-9_-]{1,128}");

        public SigV4(@Nullable String accessKeyId, @Nullable String region, @Nullable String service) {
            String otherwise = "access_key_id, region and service have letters, digits, - and _.";
            this.accessKeyId = matching(accessKeyId, PART, otherwise);
            this.region = matching(region, PART, otherwise);
            this.service = matching(service, PART, otherwise);
        }
    }

    private static String matching(@Nullable String value, Pattern form, String otherwise) {
        if (value == null || !form.matcher(value).matches()) {
            throw new IllegalArgumentException(otherwise);
        }
        return value;
    }
}
