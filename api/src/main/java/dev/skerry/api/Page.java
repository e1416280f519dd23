package dev.skerry.api;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One page of a listing.
 *
 * @param nextCursor where the next page begins, null on the last one
 */
public record Page<T>(
        List<T> data, boolean hasMore, @Nullable String nextCursor) {
    /** Of rows that were read with a limit one above {@code limit}, to know whether there are more. */
    public static <R, T> Page<T> of(List<R> rows, int limit, Function<R, T> view, Function<R, String> cursor) {
        boolean more = rows.size() > limit;
        List<R> page = more ? rows.subList(0, limit) : rows;
        return new Page<>(page.stream().map(view).toList(), more, more ? cursor.apply(page.getLast()) : null);
    }
}
