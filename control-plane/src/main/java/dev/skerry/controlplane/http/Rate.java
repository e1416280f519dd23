package dev.skerry.controlplane.http;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A token bucket for each key: so many a second on average, ten times as many at once. */
final class Rate {
    private static final int BURST = 10;
    private static final int MOST_REMEMBERED = 100_000;

    private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();
    private final double perNano;
    private final double most;

    Rate(int perSecond) {
        this.perNano = perSecond / (double) TimeUnit.SECONDS.toNanos(1);
        this.most = (double) perSecond * BURST;
    }

    private record Bucket(double tokens, long at) {}

    /** False when there is none left for this key. */
    boolean take(String key) {
        long now = System.nanoTime();
        if (buckets.size() > MOST_REMEMBERED) {
            buckets.values().removeIf(bucket -> filled(bucket, now) >= most);
        }
        boolean[] taken = new boolean[1];
        buckets.compute(key, (ignored, before) -> {
            double tokens = before == null ? most : filled(before, now);
            taken[0] = tokens >= 1;
            return new Bucket(taken[0] ? tokens - 1 : tokens, now);
        });
        return taken[0];
    }

    private double filled(Bucket bucket, long now) {
        return Math.min(most, bucket.tokens() + (now - bucket.at()) * perNano);
    }
}
