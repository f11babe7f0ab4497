using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks.Judged;

/// <summary>
/// AlpacaEval 2.0 (arXiv:2404.04475). Rows, as in the official <c>alpaca_eval.json</c>: <c>instruction</c> and <c>output</c>, the baseline's answer. The length-controlled win
/// rate is computed where <see cref="LengthControlData.FileName"/> lies beside the file; without it the score is the plain win rate, and says so.
/// </summary>
/// <remarks>
/// The official protocol in the project's own words: both outputs, in an order that depends on the instruction alone, one token, and the preference is the probability of the
/// second label among both. An unreadable verdict is neither asked for again nor a draw.
/// </remarks>
internal sealed class AlpacaEval : PairwiseProtocol
{
    private const int Alternatives = 5;

    private readonly JudgePrompt prompt = JudgePrompt.Of("alpaca_eval");
    private readonly LengthControlData? data;

    private AlpacaEval(LengthControlData? data) => this.data = data;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        PairwiseItem[] items =
        [
            .. file.Rows.Select((row, place) => new PairwiseItem(
                new BenchmarkItem(row.Has("id") ? row.Id("id") : string.Create(CultureInfo.InvariantCulture, $"alpaca_eval/{place}"), row.Text("instruction")),
                row.Text("output"), row.Has("generator") ? row.Text("generator") : "baseline", row.Has("dataset") ? row.Text("dataset") : null)),
        ];
        file.ThrowIfFaulty();
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(spec.File, Path.GetFullPath(rootFolder))) ?? "", LengthControlData.FileName);
        var data = File.Exists(beside) ? LengthControlData.Read(beside) : null;
        if (data is not null && items.Length > data.Difficulties.Length)
            throw new AgoraException($"the benchmark has {items.Length} instructions, and {LengthControlData.FileName} knows the difficulty of {data.Difficulties.Length}", beside,
                $"use the official instructions, or move {LengthControlData.FileName} away for plain win rates")
            { ExitCode = 2 };
        return new PairwiseBenchmark(spec.Name, file.Hash, [.. items], new AlpacaEval(data));
    }

    public override string Version => $"{prompt.Hash}/{data?.Hash ?? "plain"}";

    public override ImmutableArray<bool> Games(string instruction) => [SlotOrder.ModelFirst(instruction)];

    public override PairwiseVerdict Undisputed(double first, string why) => new() { First = first, Battles = 1, Label = why, Requests = 0 };

    public override Task<PairwiseVerdict> AskAsync(IChatClient judge, string instruction, string first, string second, JudgingSpec judging, CancellationToken cancellationToken)
    {
        var messages = prompt.Fill(instruction, first, second);
        return judging.Preference == PreferenceReading.Text
            ? AskInWordsAsync(judge, messages, new ChatOptions { Temperature = 0, MaxOutputTokens = 8 }, "Reply with m or M and nothing else.", ReadWords, judging.Attempts, cancellationToken)
            : AskForTokenAsync(judge, messages, cancellationToken);
    }

    private static async Task<PairwiseVerdict> AskForTokenAsync(IChatClient judge, List<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var response = await judge.GetResponseAsync(messages, new ChatOptions
        {
            Temperature = 1,
            MaxOutputTokens = 1,
            AdditionalProperties = new AdditionalPropertiesDictionary { [SamplingOptions.TopLogProbabilities] = Alternatives },
        }, cancellationToken);
        var tokens = TokenAlternatives.Of(response);
        var (share, reason) = FirstTokenPreference.Read(tokens);
        return new PairwiseVerdict
        {
            First = 1 - share,
            Battles = share is null ? 0 : 1,
            Label = share is { } second ? string.Create(CultureInfo.InvariantCulture, $"first {1 - second:0.0000}, second {second:0.0000}")
                : tokens.IsEmpty ? "no log-probabilities from the endpoint (judging.preference: text reads words instead)" : $"{reason}, it wrote \"{Shortened(response.Text)}\"",
            Words = response.Text,
            Tokens = tokens,
        };
    }

    /// <summary>A name alone, quotation marks and a full stop forgiven, not its case: it is all that tells the names apart.</summary>
    internal static (PairwiseVerdict Verdict, bool AskAgain) ReadWords(string words)
    {
        // After a reminder the last line is the answer to it.
        var last = words.Trim().Split('\n')[^1].Trim().Trim('"', '\'', '`', '*', '.').Trim();
        return last switch
        {
            FirstTokenPreference.FirstSlot => (new PairwiseVerdict { First = 1, Battles = 1, Label = "first" }, false),
            FirstTokenPreference.SecondSlot => (new PairwiseVerdict { First = 0, Battles = 1, Label = "second" }, false),
            _ => (new PairwiseVerdict { First = null, Battles = 0, Label = $"no verdict in \"{Shortened(words)}\"" }, true),
        };
    }

    public override PairwiseScore Score(IReadOnlyList<JudgedAnswer> answers, int? judge, RandomStreams random)
    {
        var (score, contributions) = AlpacaEvalScore.Of([.. answers.Select(answer => new AlpacaPair(answer.Index, answer.Item.Item.Prompt, answer.Item.Baseline, answer.Answer, Preference(answer, judge)))], data);
        return new PairwiseScore(score.Headline, contributions) { AlpacaEval = score };
    }

    /// <summary>Mean over the judges that could be read, 1 to 2.</summary>
    private static double? Preference(JudgedAnswer answer, int? judge) =>
        1 + answer.Games.Where(game => judge is null || game.Judge == judge).Select(game => game.ModelShare).Average();

    public override (string Name, IEnumerable<string> Lines) OfficialFile(IReadOnlyList<JudgedAnswer> answers, int judge, string judgeName) => ("annotations.json",
        AlpacaAnnotations.Lines(answers.Select(answer => new AlpacaAnnotation
        {
            Instruction = answer.Item.Item.Prompt,
            Baseline = answer.Item.Baseline,
            BaselineName = answer.Item.BaselineName,
            Output = answer.Answer,
            ModelName = "model",
            Dataset = answer.Item.Source,
            Annotator = judgeName,
            Preference = Preference(answer, judge),
            Tokens = answer.Games.First(game => game.Judge == judge).Verdict.Tokens,
        })));
}
