package eshybrid;

import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenFilterFactory;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;

/** Keeps the first of equal words of the text, or of a position, for which Lucene has a filter. */
final class Unique extends TokenFilter {
    private final CharTermAttribute word = addAttribute(CharTermAttribute.class);
    private final PositionIncrementAttribute step = addAttribute(PositionIncrementAttribute.class);
    private final Set<String> seen = new HashSet<>();
    private final boolean onlyOnSamePosition;

    private Unique(TokenStream words, boolean onlyOnSamePosition) {
        super(words);
        this.onlyOnSamePosition = onlyOnSamePosition;
    }

    @Override
    public boolean incrementToken() throws IOException {
        while (input.incrementToken()) {
            if (onlyOnSamePosition && step.getPositionIncrement() > 0) {
                seen.clear();
            }
            if (seen.add(word.toString())) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void reset() throws IOException {
        super.reset();
        seen.clear();
    }

    /** Builds it as Lucene's factories build theirs. */
    static final class Factory extends TokenFilterFactory {
        private final boolean onlyOnSamePosition;

        Factory(Map<String, String> arguments) {
            super(arguments);
            onlyOnSamePosition = getBoolean(arguments, "onlyOnSamePosition", false);
        }

        @Override
        public TokenStream create(TokenStream words) {
            return new Unique(words, onlyOnSamePosition);
        }
    }
}
