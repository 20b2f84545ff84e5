package eshybrid;

import java.io.IOException;
import java.io.StringReader;
import java.text.ParseException;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymFilter;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.apache.lucene.analysis.synonym.WordnetSynonymParser;
import org.apache.lucene.util.CharsRef;
import org.apache.lucene.util.CharsRefBuilder;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexService.IndexCreationContext;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.AnalysisMode;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;

/** The filters `synonym` and `synonym_graph`. Their rules pass through what precedes them. */
final class Synonyms implements TokenFilterFactory {
    private static final Set<String> PARAMETERS = Set.of(
        "synonyms", "synonyms_path", "format", "expand", "lenient", "updateable");

    private final String name;
    private final boolean graph;
    private final String rules;
    private final boolean wordnet;
    private final boolean expand;
    private final boolean lenient;
    private final AnalysisMode mode;

    Synonyms(IndexSettings index, Environment environment, String name, Settings settings) {
        this(environment, name, settings, false);
    }

    private Synonyms(Environment environment, String name, Settings settings, boolean graph) {
        Component.refuseOthers(name, settings, PARAMETERS);
        List<String> lines = Analysis.getWordList(environment, settings, "synonyms");
        if (lines == null) {
            throw new IllegalArgumentException(
                "[" + name + "] requires [synonyms] or [synonyms_path]");
        }
        boolean updateable = settings.getAsBoolean("updateable", false);
        this.name = name;
        this.graph = graph;
        this.rules = String.join("\n", lines);
        this.wordnet = settings.get("format", "").equals("wordnet");
        this.expand = settings.getAsBoolean("expand", true);
        this.lenient = settings.getAsBoolean("lenient", updateable);
        this.mode = updateable ? AnalysisMode.SEARCH_TIME : AnalysisMode.ALL;
    }

    static Synonyms graph(
            IndexSettings index, Environment environment, String name, Settings settings) {
        return new Synonyms(environment, name, settings, true);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public AnalysisMode getAnalysisMode() {
        return mode;
    }

    @Override
    public TokenStream create(TokenStream words) {
        throw new IllegalStateException("[" + name + "] is not part of an analyzer yet");
    }

    @Override
    public TokenFilterFactory getChainAwareTokenFilterFactory(
            IndexCreationContext context,
            TokenizerFactory tokenizer,
            List<CharFilterFactory> charFilters,
            List<TokenFilterFactory> preceding,
            Function<String, TokenFilterFactory> all) {
        SynonymMap map = parse(new CustomAnalyzer(
            tokenizer,
            charFilters.toArray(CharFilterFactory[]::new),
            preceding.stream()
                .map(TokenFilterFactory::getSynonymFilter)
                .toArray(TokenFilterFactory[]::new)));
        return new InChain(map);
    }

    private SynonymMap parse(Analyzer analyzer) {
        try {
            SynonymMap.Parser parser = wordnet ? new Wordnet(analyzer) : new Solr(analyzer);
            parser.parse(new StringReader(rules));
            return parser.build();
        } catch (IOException | ParseException | RuntimeException error) {
            throw new IllegalArgumentException("failed to build synonyms of [" + name + "]", error);
        }
    }

    /** Analyzes one side of a rule. */
    private interface Analysing {
        CharsRef analyze() throws IOException;
    }

    /** Lenient parsing turns a word that the preceding filters drop or split into an empty one. */
    private CharsRef leniently(Analysing analysing) throws IOException {
        try {
            return analysing.analyze();
        } catch (IllegalArgumentException error) {
            if (lenient) {
                return new CharsRef();
            }
            throw error;
        }
    }

    /** Rules such as `tv, telly => television`, one a line. */
    private final class Solr extends SolrSynonymParser {
        Solr(Analyzer analyzer) {
            super(true, expand, analyzer);
        }

        @Override
        public CharsRef analyze(String text, CharsRefBuilder reuse) throws IOException {
            return leniently(() -> super.analyze(text, reuse));
        }

        @Override
        public void add(CharsRef from, CharsRef to, boolean keep) {
            if (from.length > 0 && to.length > 0 || !lenient) {
                super.add(from, to, keep);
            }
        }
    }

    /** Rules in the format of WordNet's Prolog files. */
    private final class Wordnet extends WordnetSynonymParser {
        Wordnet(Analyzer analyzer) {
            super(true, expand, analyzer);
        }

        @Override
        public CharsRef analyze(String text, CharsRefBuilder reuse) throws IOException {
            return leniently(() -> super.analyze(text, reuse));
        }

        @Override
        public void add(CharsRef from, CharsRef to, boolean keep) {
            if (from.length > 0 && to.length > 0 || !lenient) {
                super.add(from, to, keep);
            }
        }
    }

    /** The filter in an analyzer, whose rules have been parsed. */
    private final class InChain implements TokenFilterFactory {
        private final SynonymMap map;

        InChain(SynonymMap map) {
            this.map = map;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public AnalysisMode getAnalysisMode() {
            return mode;
        }

        @Override
        public TokenStream create(TokenStream words) {
            if (map.fst == null) {
                return words;
            }
            return graph
                ? new SynonymGraphFilter(words, map, false)
                : new SynonymFilter(words, map, false);
        }

        /** The rules of a later filter of synonyms are not expanded by this one. */
        @Override
        public TokenFilterFactory getSynonymFilter() {
            return IDENTITY_FILTER;
        }
    }
}
