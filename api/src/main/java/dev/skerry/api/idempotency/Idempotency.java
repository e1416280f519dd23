package dev.skerry.api.idempotency;

import dev.skerry.api.key.Tenant;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.store.IdempotencyKeys;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Does a request with an {@code Idempotency-Key} once and answers its repeats from memory.
 *
 * <p>Only success is remembered: after a refusal or a failure the same key may try again.
 */
@Component
public class Idempotency {
    private static final Logger log = LoggerFactory.getLogger(Idempotency.class);
    private static final Duration ABANDONED_AFTER = Duration.ofMinutes(1);
    private static final Pattern FORM = Pattern.compile("[\\x21-\\x7e]{1,255}");

    private final IdempotencyKeys keys;
    private final JsonMapper json;
    private final Clock clock;

    Idempotency(IdempotencyKeys keys, JsonMapper json, Clock clock) {
        this.keys = keys;
        this.json = json;
        this.clock = clock;
    }

    /** {@code work} gets the origin of ids when the request has a key; its answer is JSON with this status. */
    public ResponseEntity<String> once(
            Tenant tenant,
            HttpServletRequest request,
            Object body,
            int status,
            Function<Optional<Origin>, Object> work) {
        String key = request.getHeader("Idempotency-Key");
        if (key == null) {
            return answer(status, json.writeValueAsString(work.apply(Optional.empty())));
        }
        if (!FORM.matcher(key).matches()) {
            throw ApiException.invalid(
                    "Idempotency-Key", "Must be 1 to 255 printable ASCII characters without spaces.");
        }
        byte[] hash = hash(request, body);
        return switch (keys.claim(tenant.id(), key, hash, clock.instant().minus(ABANDONED_AFTER))) {
            case IdempotencyKeys.Claim.Fresh ignored ->
                work(tenant, key, status, Origin.of(tenant.id(), key, hash), work);
            case IdempotencyKeys.Claim.Answered answered -> answer(answered.status(), answered.body());
            case IdempotencyKeys.Claim.InFlight ignored ->
                throw new ApiException(
                        ProblemCode.IN_FLIGHT,
                        "A request with this Idempotency-Key is being worked on. Try again soon.");
            case IdempotencyKeys.Claim.Mismatch ignored ->
                throw new ApiException(
                        ProblemCode.IDEMPOTENCY_MISMATCH,
                        "This Idempotency-Key was used for another request. Use a new key for a new request.");
        };
    }

    private ResponseEntity<String> work(
            Tenant tenant, String key, int status, Origin origin, Function<Optional<Origin>, Object> work) {
        String body;
        try {
            body = json.writeValueAsString(work.apply(Optional.of(origin)));
        } catch (RuntimeException e) {
            release(tenant, key);
            throw e;
        }
        keys.answer(tenant.id(), key, status, body);
        return answer(status, body);
    }

    private void release(Tenant tenant, String key) {
        try {
            keys.release(tenant.id(), key);
        } catch (DataAccessException e) {
            log.warn("an idempotency key could not be given back, a retry has to wait for {}", ABANDONED_AFTER);
        }
    }

    private byte[] hash(HttpServletRequest request, Object body) {
        MessageDigest digest = Origin.sha256Digest();
        digest.update((request.getMethod() + " " + request.getRequestURI() + "\n").getBytes(StandardCharsets.UTF_8));
        return digest.digest(json.writeValueAsBytes(body));
    }

    private static ResponseEntity<String> answer(int status, String body) {
        return ResponseEntity.status(status)
                .contentType(MediaType.APPLICATION_JSON)
                .body(body);
    }
}
