using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>One model's answers judged by one judge, in either official format.</summary>
public sealed record JudgedFile
{
    public required string Path { get; init; }
    public required string Model { get; init; }
    public required string Judge { get; init; }
    /// <summary>The model's share of each item, 0 to 1, by the item's identity; items without a readable verdict are not in it.</summary>
    public required ImmutableDictionary<string, double> Shares { get; init; }

    /// <summary>Mean share in percent; null where nothing was readable.</summary>
    public double? Score => Shares.IsEmpty ? null : 100 * Shares.Values.Average();

    /// <param name="path">AlpacaEval's where the first row has a preference, Arena-Hard's where it has games.</param>
    /// <exception cref="AgoraException">The file is in neither format, or faulty.</exception>
    public static JudgedFile Read(string path)
    {
        var first = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: 1);
        first.ThrowIfFaulty();
        if (first.Rows[0].Has("games"))
        {
            var judgments = ArenaJudgments.Read(path, ArenaRules.V01);
            return new JudgedFile
            {
                Path = path,
                Model = judgments[0].Model,
                Judge = judgments[0].Judge,
                Shares = judgments.Select(judgment => (judgment.QuestionId, Share: Share(judgment))).Where(item => item.Share is not null).ToImmutableDictionary(item => item.QuestionId, item => item.Share!.Value),
            };
        }
        var annotations = AlpacaAnnotations.Read(path);
        return new JudgedFile
        {
            Path = path,
            Model = annotations[0].ModelName,
            Judge = annotations[0].Annotator,
            Shares = annotations.Select(annotation => (annotation.Instruction, Share: PreferenceSummary.Share(annotation.Preference))).Where(item => item.Share is not null)
                .ToImmutableDictionary(item => item.Instruction, item => item.Share!.Value),
        };
    }

    public JudgeAgreement AgreementWith(JudgedFile other) => JudgeAgreement.Of(Judge, other.Judge,
        [.. Shares.Where(item => other.Shares.ContainsKey(item.Key)).OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => (item.Value, other.Shares[item.Key]))]);

    private static double? Share(ArenaJudgment judgment)
    {
        var (first, second) = (ArenaVerdicts.Worth(judgment.BaselineFirst, ArenaRules.V01), ArenaVerdicts.Worth(judgment.ModelFirst, ArenaRules.V01));
        var battles = (first?.Battles ?? 0) + (second?.Battles ?? 0);
        return battles == 0 ? null : ((first is { } baseline ? baseline.Battles - baseline.Won : 0) + (second?.Won ?? 0)) / battles;
    }
}
