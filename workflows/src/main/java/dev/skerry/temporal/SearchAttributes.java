package dev.skerry.temporal;

import io.temporal.api.enums.v1.IndexedValueType;
import io.temporal.common.SearchAttributeKey;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The search attributes of every session; a namespace without them cannot run sessions. */
public final class SearchAttributes {
    public static final SearchAttributeKey<String> STATUS = SearchAttributeKey.forKeyword("SkerryStatus");
    public static final SearchAttributeKey<String> TENANT = SearchAttributeKey.forKeyword("SkerryTenant");
    public static final SearchAttributeKey<String> PROVIDER = SearchAttributeKey.forKeyword("SkerryProvider");
    public static final SearchAttributeKey<String> METRO = SearchAttributeKey.forKeyword("SkerryMetro");
    public static final SearchAttributeKey<Long> INCARNATION = SearchAttributeKey.forLong("SkerryIncarnation");

    /** What {@link #STATUS} says of a session whose sandbox is up, idle or running. */
    public static final String AWAKE = "awake";

    /** Name and type of each, as the server registers them. */
    public static final Map<String, IndexedValueType> TYPES = Map.of(
            STATUS.getName(), STATUS.getValueType(),
            TENANT.getName(), TENANT.getValueType(),
            PROVIDER.getName(), PROVIDER.getValueType(),
            METRO.getName(), METRO.getValueType(),
            INCARNATION.getName(), INCARNATION.getValueType());

    private SearchAttributes() {}

    /** The same as {@link #TYPES}, in the words of Temporal's command line. */
    public static Map<String, String> cliTypes() {
        Map<String, String> types = new TreeMap<>();
        TYPES.forEach((name, type) -> types.put(name, cliType(type)));
        return types;
    }

    /** A type in the words of Temporal's command line, such as {@code KeywordList}. */
    public static String cliType(IndexedValueType type) {
        StringBuilder words = new StringBuilder();
        for (String word : type.name().substring("INDEXED_VALUE_TYPE_".length()).split("_", -1)) {
            words.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return words.toString();
    }
}
