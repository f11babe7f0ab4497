using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Students.ChatTemplates;
using Agora.Students.Inference;

namespace Agora.Nano.Models;

/// <summary>How well an embedded model itself solves the embedded benchmarks, asked like a student: its problem-solving ability.</summary>
internal static class NanoScores
{
    private const int LongestAnswerTokens = 100;

    /// <returns>Percent of the items solved, by the domain's name; the most likely answer is taken.</returns>
    public static async Task<ImmutableSortedDictionary<string, double>> MeasureAsync(string modelFolder, string nanoFolder, int threads, string device, CancellationToken cancellationToken)
    {
        using var engine = InferenceEngine.Load(modelFolder, threads, device: device);
        var template = ChatTemplate.Load(modelFolder);
        var scores = ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        foreach (var domain in Enum.GetValues<Domain>())
        {
            var benchmark = BenchmarkCatalogue.Open(new BenchmarkSpec { Name = $"nano_{domain.Name()}", File = $"benchmarks/{domain.Name()}.jsonl" }, nanoFolder);
            var answers = await Task.WhenAll(benchmark.Items.Select(item => AnswerAsync(engine, template, item, cancellationToken)));
            var grades = await benchmark.GradeAsync(answers, new GradingContext { Random = new RandomStreams(0), Parallel = threads }, cancellationToken);
            scores.Add(domain.Name(), Math.Round(100 * grades.Average(grade => grade.Grade is Grade.Scored scored ? scored.Value : 0), 1));
        }
        return scores.ToImmutable();
    }

    private static async Task<BenchmarkAnswer> AnswerAsync(InferenceEngine engine, ChatTemplate template, BenchmarkItem item, CancellationToken cancellationToken)
    {
        var conversation = template.Render([new ChatTurn("system", new StudentRecipe().SystemMessage), new ChatTurn("user", item.Prompt)], addGenerationPrompt: true);
        var completion = await engine.CompleteAsync(
            engine.Tokenizer.Encode(conversation, addSpecialTokens: false), new SamplingParameters { Temperature = 0, MaxTokens = LongestAnswerTokens }, cancellationToken);
        return new BenchmarkAnswer { ItemId = item.Id, Prompt = item.Prompt, Completion = completion.Text, Finished = completion.End == CompletionEnd.Stop };
    }
}
