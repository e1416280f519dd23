package dev.skerry.session;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * An amount of US dollars, exact to the nano-dollar (10⁻⁹ USD), because one cached input token costs less than a micro-dollar.
 *
 * @param nanoUsd the amount in nano-dollars, may be negative
 */
public record Money(long nanoUsd) implements Comparable<Money> {
    public static final Money ZERO = new Money(0);
    private static final int SCALE = 9;

    /** Rounds half up to the nano-dollar; throws {@link ArithmeticException} beyond about 9 billion dollars. */
    public static Money ofUsd(BigDecimal usd) {
        return new Money(
                usd.setScale(SCALE, RoundingMode.HALF_UP).unscaledValue().longValueExact());
    }

    public BigDecimal usd() {
        return BigDecimal.valueOf(nanoUsd, SCALE);
    }

    public Money plus(Money other) {
        return new Money(Math.addExact(nanoUsd, other.nanoUsd));
    }

    public Money minus(Money other) {
        return new Money(Math.subtractExact(nanoUsd, other.nanoUsd));
    }

    @Override
    public int compareTo(Money other) {
        return Long.compare(nanoUsd, other.nanoUsd);
    }

    @Override
    public String toString() {
        return usd().stripTrailingZeros().toPlainString() + " USD";
    }
}
