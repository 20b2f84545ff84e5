package eshybrid;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenizer;
import org.apache.lucene.analysis.ngram.NGramTokenizer;
import org.apache.lucene.analysis.util.CharTokenizer;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;

/** The tokenizers: those of Lucene's factories, and those that the classes of characters choose. */
final class Tokenizers {
    private static final int PUNCTUATION = types(
        Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.START_PUNCTUATION,
        Character.END_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION,
        Character.FINAL_QUOTE_PUNCTUATION, Character.OTHER_PUNCTUATION);
    private static final int SYMBOL = types(
        Character.CURRENCY_SYMBOL, Character.MATH_SYMBOL, Character.MODIFIER_SYMBOL,
        Character.OTHER_SYMBOL);
    private static final Map<String, IntPredicate> CLASSES = Map.of(
        "letter", Character::isLetter,
        "digit", Character::isDigit,
        "whitespace", Character::isWhitespace,
        "punctuation", point -> (PUNCTUATION >> Character.getType(point) & 1) == 1,
        "symbol", point -> (SYMBOL >> Character.getType(point) & 1) == 1);

    static final Map<String, AnalysisProvider<TokenizerFactory>> BY_CHARACTER = Map.of(
        "ngram", Tokenizers::ngram,
        "edge_ngram", Tokenizers::edgeNgram,
        "char_group", AnalysisPlugin.requiresAnalysisSettings(Tokenizers::charGroup));

    private Tokenizers() {}

    static TokenizerFactory lucene(Component.Configured configured) throws IOException {
        org.apache.lucene.analysis.TokenizerFactory factory =
            configured.create(org.apache.lucene.analysis.TokenizerFactory::forName);
        return TokenizerFactory.newFactory(configured.name(), factory::create);
    }

    private static TokenizerFactory ngram(
            IndexSettings index, Object environment, String name, Settings settings) {
        Grams grams = Grams.of(name, settings);
        checkGrams(index, grams.min, grams.max);
        return TokenizerFactory.newFactory(name, () -> new NGramTokenizer(grams.min, grams.max) {
            @Override
            protected boolean isTokenChar(int point) {
                return grams.in.test(point);
            }
        });
    }

    private static TokenizerFactory edgeNgram(
            IndexSettings index, Object environment, String name, Settings settings) {
        Grams grams = Grams.of(name, settings);
        return TokenizerFactory.newFactory(
                name, () -> new EdgeNGramTokenizer(grams.min, grams.max) {
            @Override
            protected boolean isTokenChar(int point) {
                return grams.in.test(point);
            }
        });
    }

    private static TokenizerFactory charGroup(
            IndexSettings index, Object environment, String name, Settings settings) {
        Component.refuseOthers(name, settings, Set.of("tokenize_on_chars"));
        List<String> names = settings.getAsList("tokenize_on_chars");
        IntPredicate separates = any(names.stream().map(Tokenizers::characters).toList());
        return TokenizerFactory.newFactory(
            name, () -> CharTokenizer.fromSeparatorCharPredicate(separates));
    }

    /** A class of characters, or one character, which may be escaped. */
    private static IntPredicate characters(String name) {
        if (CLASSES.containsKey(name)) {
            return CLASSES.get(name);
        }
        String character = name.translateEscapes();
        if (character.codePointCount(0, character.length()) != 1) {
            throw new IllegalArgumentException("[" + name + "] is neither a character nor one of "
                + new TreeSet<>(CLASSES.keySet()));
        }
        return point -> point == character.codePointAt(0);
    }

    private static IntPredicate any(String characters) {
        return point -> characters.indexOf(point) >= 0;
    }

    private static IntPredicate any(List<IntPredicate> classes) {
        return point -> classes.stream().anyMatch(one -> one.test(point));
    }

    private static int types(byte... types) {
        int mask = 0;
        for (byte type : types) {
            mask |= 1 << type;
        }
        return mask;
    }

    static void checkGrams(IndexSettings index, Map<String, String> arguments) {
        checkGrams(
            index,
            Integer.parseInt(arguments.get("minGramSize")),
            Integer.parseInt(arguments.get("maxGramSize")));
    }

    /** An index limits the sizes of n-grams, because each size takes its own share of the index. */
    private static void checkGrams(IndexSettings index, int min, int max) {
        if (index != null && max - min > index.getMaxNgramDiff()) {
            throw new IllegalArgumentException("The difference between max_gram and min_gram is "
                + (max - min) + ", but must be at most [index.max_ngram_diff] = "
                + index.getMaxNgramDiff());
        }
    }

    /** The sizes of n-grams, and the characters that they may contain. */
    private record Grams(int min, int max, IntPredicate in) {
        static Grams of(String name, Settings settings) {
            Component.refuseOthers(
                name,
                settings,
                Set.of("min_gram", "max_gram", "token_chars", "custom_token_chars"));
            String custom = settings.get("custom_token_chars", "");
            List<IntPredicate> classes = settings.getAsList("token_chars").stream()
                .map(one -> one.equals("custom") ? any(custom) : characters(one))
                .toList();
            return new Grams(
                settings.getAsInt("min_gram", NGramTokenizer.DEFAULT_MIN_NGRAM_SIZE),
                settings.getAsInt("max_gram", NGramTokenizer.DEFAULT_MAX_NGRAM_SIZE),
                classes.isEmpty() ? point -> true : any(classes));
        }
    }
}
