using System.Collections.Immutable;
using System.ComponentModel;
using Agora.Benchmarks.Judged;

namespace Agora.Reports;

/// <summary>A model's figures on a judged benchmark, for programs.</summary>
public sealed record JudgingEntry
{
    [Description("Who answered, in words.")]
    public required string Model { get; init; }
    public required string Benchmark { get; init; }
    [Description("The benchmark's official figure over all judges, in percent.")]
    public double? Score { get; init; }
    [Description("Without length control, in percent.")]
    public double? WinRate { get; init; }
    [Description("AlpacaEval: in percent.")]
    public double? DiscreteWinRate { get; init; }
    [Description("AlpacaEval: in percent.")]
    public double? LengthControlledWinRate { get; init; }
    [Description("AlpacaEval: of the length-controlled win rate, that of the fit included, in points.")]
    public double? LengthControlledError { get; init; }
    [Description("Arena-Hard: the baseline stands at 1000.")]
    public double? Elo { get; init; }
    [Description("Arena-Hard: of the win rate, 95 percent over questions.")]
    public double? Low { get; init; }
    public double? High { get; init; }
    [Description("Arena-Hard: the same as published, over battles, of which a strong verdict makes three: too narrow.")]
    public double? PublishedLow { get; init; }
    public double? PublishedHigh { get; init; }
    [Description("Arena-Hard: the win rate at equal length and Markdown, from a fit of this model alone, in percent.")]
    public double? StyleControlledWinRate { get; init; }
    [Description("Arena-Hard: of the style-controlled win rate, 2.5 to 97.5 percent over battles.")]
    public double? StyleControlledLow { get; init; }
    public double? StyleControlledHigh { get; init; }
    public required ImmutableArray<JudgeEntry> Judges { get; init; }
    public required ImmutableArray<AgreementEntry> Agreements { get; init; }
    [Description("What a reader of the score must know.")]
    public required ImmutableArray<string> Warnings { get; init; }

    internal static JudgingEntry Of(JudgedAnswers entry) => new()
    {
        Model = entry.Model,
        Benchmark = entry.Judging.Benchmark,
        Score = entry.Judging.Score,
        WinRate = entry.Judging.AlpacaEval?.Plain.WinRate ?? entry.Judging.ArenaHard?.WinRate,
        DiscreteWinRate = entry.Judging.AlpacaEval?.Plain.DiscreteWinRate,
        LengthControlledWinRate = entry.Judging.AlpacaEval?.LengthControlledWinRate,
        LengthControlledError = entry.Judging.AlpacaEval?.LengthControlledFullError,
        Elo = entry.Judging.ArenaHard?.Elo,
        Low = entry.Judging.ArenaHard?.QuestionInterval?.Low,
        High = entry.Judging.ArenaHard?.QuestionInterval?.High,
        PublishedLow = entry.Judging.ArenaHard?.PublishedInterval?.Low,
        PublishedHigh = entry.Judging.ArenaHard?.PublishedInterval?.High,
        StyleControlledWinRate = entry.Judging.StyleControl?.WinRate,
        StyleControlledLow = entry.Judging.StyleControl?.Interval.Low,
        StyleControlledHigh = entry.Judging.StyleControl?.Interval.High,
        Judges = [.. entry.Judging.Judges.Select(judge => new JudgeEntry { Judge = judge.Judge, Games = judge.Games, Readable = judge.Readable, Score = judge.Score, PositionGain = judge.PositionGain })],
        Agreements = [.. entry.Judging.Agreements.Select(pair => new AgreementEntry { First = pair.First, Second = pair.Second, Items = pair.Items, Kappa = pair.Kappa, Spearman = pair.Spearman })],
        Warnings = [.. entry.Judging.Warnings()],
    };
}

public sealed record JudgeEntry
{
    public required string Judge { get; init; }
    [Description("Games that it was asked about.")]
    public required int Games { get; init; }
    [Description("Games with a verdict that counts.")]
    public required int Readable { get; init; }
    [Description("The official figure from this judge alone, in percent.")]
    public double? Score { get; init; }
    [Description("Points that a model gains by standing first instead of second.")]
    public double? PositionGain { get; init; }
}

public sealed record AgreementEntry
{
    public required string First { get; init; }
    public required string Second { get; init; }
    public required int Items { get; init; }
    [Description("Cohen's kappa over winner and tie.")]
    public double? Kappa { get; init; }
    [Description("Rank correlation of the model's shares.")]
    public double? Spearman { get; init; }
}
