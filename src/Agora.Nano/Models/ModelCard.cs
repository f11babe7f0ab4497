using System.Globalization;
using System.Text;

namespace Agora.Nano.Models;

/// <summary>The text that tells what the embedded models are, from what was measured when they were made.</summary>
internal static class ModelCard
{
    /// <param name="trained">In the order of training; parameters counted in the weights.</param>
    public static string Write(IReadOnlyList<(NanoModel Model, NanoTraining Training, long Parameters)> trained)
    {
        var text = new StringBuilder();
        text.Append("""
            # nano, the embedded benchmark

            Three tiny domains with seeds, held-out benchmarks and language models, so that the whole pipeline runs in minutes on two cores. This page is
            written by `agora nano build`, which makes everything here from nothing, seeded; numbers are what it measured.

            ## Domains

            | domain | what is asked | scored by | items |
            | --- | --- | --- | --- |

            """);
        text.Append(CultureInfo.InvariantCulture, $"| math | word problems of one to four arithmetic steps, amounts up to {WordProblems.WordProblemDomain.LargestAmount} | the number in `[RESULT]` | {NanoData.BenchmarkItems} |\n");
        text.Append(CultureInfo.InvariantCulture, $"| code | a Python function of one to three small steps on a list, a number or a text | hidden asserts in a sandboxed `python3` | {NanoData.BenchmarkItems} |\n");
        text.Append(CultureInfo.InvariantCulture, $"| instruction following | a line or two with a given word, under up to two further constraints | checkers; all constraints must hold | {NanoData.BenchmarkItems} |\n");
        text.Append(CultureInfo.InvariantCulture, $"""

            Each domain has seeds for the three methods: {NanoData.InstanceGenerationSeeds} pairs, {NanoData.OtherSeeds} instructions, {NanoData.OtherSeeds} flawed pairs.
            Benchmarks, seeds and the models' training data share no exercise: the hash of what is asked, without the wording, says which of the three it belongs to, and a
            test holds them against each other. Bare sums such as `7+5=12` are facts, not exercises, and may occur anywhere.

            ## Models

            Llama architecture, tied embeddings, heads of 32, context {NanoSize.Context}, BF16; one byte-level BPE of {NanoBuild.VocabularySize} tokens, digits split singly, Llama-3 chat format.

            | model | parameters | goes on from | trained on (tokens) | final loss (nats) | minutes | math % | code % | instruction following % |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- |

            """);
        foreach (var (model, training, parameters) in trained)
        {
            var data = string.Join(", then ", model.Phases.Select(phase => string.Create(CultureInfo.InvariantCulture, $"{Named(phase)} ({phase.Tokens:N0})")));
            var scores = string.Join(" | ", Enum.GetValues<Domain>().Select(domain => training.Scores!.GetValueOrDefault(domain.Name()).ToString("F1", CultureInfo.InvariantCulture)));
            text.Append(CultureInfo.InvariantCulture,
                $"| `{model.Name}` | {parameters / 1e6:F2} M | {model.StartsFrom ?? "nothing"} | {data} | {training.FinalLossNats:F3} | {training.Seconds / 60:F1} | {scores} |\n");
        }
        var hours = trained.Sum(entry => entry.Training.Seconds) / 3600;
        text.Append(CultureInfo.InvariantCulture, $"""

            Scores: the model itself answers the benchmark, greedily, asked like a student. Minutes are wall time with {trained.Max(entry => entry.Training.Threads)} threads on a machine that
            had other work too; in all {hours:F1} hours. Documents are fresh from the writers, none is seen twice. Losses of different columns of data do not compare.


            """);
        foreach (var (model, _, _) in trained)
        {
            text.Append(CultureInfo.InvariantCulture, $"- **{model.Name}**: {model.Description}");
            if (model.Character is { } character)
            {
                text.Append(" Shown, by domain: ").AppendJoin("; ", Enum.GetValues<Domain>().Select(domain =>
                {
                    var its = character.Of(domain);
                    return string.Create(CultureInfo.InvariantCulture,
                        $"{domain.Name()} weight {its.Weight}, {100 * its.Errors:F0} % wrong{(its.Narrow ? ", narrow" : "")}{(its.Terse ? ", no steps" : "")}");
                })).Append('.');
            }
            text.Append('\n');
        }
        text.Append("""

            The generators are language models that read a meta-prompt (`prompts/`) with its demonstrations and answer by sampling. What they were shown was written by
            rule; what they write is their own, mistakes included. Larger models are grown from a smaller one by padding and then trained on, see `ModelGrowth`.

            They know nothing of the world and are of use for nothing else. Data and weights: Apache-2.0.

            """);
        return text.ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    private static string Named(NanoPhase phase) => phase.Corpus switch
    {
        NanoCorpus.Raw => "raw text",
        NanoCorpus.Pairs => "clean pairs",
        _ => string.Create(CultureInfo.InvariantCulture, $"meta-prompts with completions, {100 * phase.PairShare:F0} % pairs"),
    };
}
