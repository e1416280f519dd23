package dev.skerry.session;

import java.security.SecureRandom;
import java.time.Clock;

/** Makes identifiers that sort by time: the one id generator, for outside of workflows only. */
public final class Ulid {
    private static final char[] ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();
    private static final int RANDOM_CHARACTERS = 16;
    private static final int TIME_CHARACTERS = 10;
    private static final int BITS = 5;

    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public Ulid(Clock clock) {
        this.clock = clock;
    }

    /** 26 characters: 48 bits of milliseconds, 80 random bits; source of the form: github.com/ulid/spec. */
    public String next() {
        char[] id = new char[TIME_CHARACTERS + RANDOM_CHARACTERS];
        long time = clock.millis();
        for (int i = TIME_CHARACTERS - 1; i >= 0; i--) {
            id[i] = ALPHABET[(int) (time & 31)];
            time >>>= BITS;
        }
        byte[] bytes = new byte[RANDOM_CHARACTERS];
        random.nextBytes(bytes);
        for (int i = 0; i < RANDOM_CHARACTERS; i++) {
            id[TIME_CHARACTERS + i] = ALPHABET[bytes[i] & 31];
        }
        return new String(id);
    }

    public SessionId session() {
        return new SessionId("ses_" + next());
    }

    public TurnId turn() {
        return new TurnId("trn_" + next());
    }
}
