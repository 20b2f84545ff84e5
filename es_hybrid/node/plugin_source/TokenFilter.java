package eshybrid;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.apache.lucene.analysis.TokenStream;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;

/** A token filter of Lucene. */
class TokenFilter implements TokenFilterFactory {
    private final Component.Configured configured;
    private final org.apache.lucene.analysis.TokenFilterFactory factory;

    private TokenFilter(Component.Configured configured) throws IOException {
        this.configured = configured;
        this.factory = configured.create(TokenFilter::forName);
    }

    static TokenFilterFactory of(Component.Configured configured) throws IOException {
        if (configured.lucene().equals("nGram")) {
            Tokenizers.checkGrams(configured.index(), configured.arguments());
        }
        return configured.component().has('n')
            ? new Normalizing(configured)
            : new TokenFilter(configured);
    }

    private static org.apache.lucene.analysis.TokenFilterFactory forName(
            String name, Map<String, String> arguments) {
        return name.equals("unique")
            ? new Unique.Factory(arguments)
            : org.apache.lucene.analysis.TokenFilterFactory.forName(name, arguments);
    }

    @Override
    public String name() {
        return configured.name();
    }

    @Override
    public TokenStream create(TokenStream words) {
        return factory.create(words);
    }

    @Override
    public TokenFilterFactory getSynonymFilter() {
        if (configured.component().has('s')) {
            throw new IllegalArgumentException(
                "Token filter [" + name() + "] cannot be used to parse synonyms");
        }
        return single();
    }

    /** The same filter with one word for each: a rule of synonyms and a normalizer need that. */
    private TokenFilterFactory single() {
        if (!Boolean.parseBoolean(configured.arguments().get("preserveOriginal"))) {
            return this;
        }
        try {
            return of(configured.with("preserveOriginal", "false"));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** A filter that normalizers and queries for prefixes may use. */
    private static final class Normalizing extends TokenFilter
            implements NormalizingTokenFilterFactory {
        Normalizing(Component.Configured configured) throws IOException {
            super(configured);
        }

        @Override
        public TokenStream normalize(TokenStream words) {
            return getSynonymFilter().create(words);
        }
    }
}
