using System.Globalization;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>How figures and names are spelled in everything that people read.</summary>
internal static class ReportText
{
    public const string NotMeasured = "–";
    public const string Undefined = "undefined";

    public static string Title(this Domain domain) => domain switch
    {
        Domain.Math => "Math",
        Domain.Code => "Code",
        Domain.InstructionFollowing => "Instruction following",
        _ => throw new ArgumentOutOfRangeException(nameof(domain), domain, null),
    };

    public static string Title(this GenerationMethod method) => char.ToUpperInvariant(method.Name()[0]) + method.Name()[1..].Replace('_', ' ');

    public static string Title(this Setting setting) => $"{setting.Domain.Title()}, {setting.Method.Title().ToLowerInvariant()}";

    /// <summary>One decimal; a value that rounds to zero has no sign.</summary>
    public static string Number(double value) => Math.Round(value, 1, MidpointRounding.AwayFromZero) is var rounded && rounded == 0
        ? "0.0"
        : rounded.ToString("0.0", CultureInfo.InvariantCulture);

    public static string Of(PerformanceGapRecovered pgr) => pgr is PerformanceGapRecovered.Percent(var value) ? Number(value) : Undefined;

    /// <param name="scale">100 for shares that are shown in percent.</param>
    public static string Of(ConfidenceInterval interval, double scale = 1) =>
        interval is ConfidenceInterval.Bounds(var low, var high) ? $"[{Number(scale * low)}, {Number(scale * high)}]" : "[no interval]";

    public static string Of(ScoreValue score) =>
        score is ScoreValue.Mean(var value, var interval) ? $"{Number(100 * value)} {Of(interval, 100)}" : "no grade";

    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Dollars(decimal? dollars) => dollars switch
    {
        null => "no price",
        0 => "$0",
        < 0.01m and > 0 => dollars.Value.ToString("$0.0000##", CultureInfo.InvariantCulture),
        _ => dollars.Value.ToString("$#,0.00", CultureInfo.InvariantCulture),
    };

    public static string PValue(double value) => value < 0.001 ? "< 0.001" : value.ToString("0.000", CultureInfo.InvariantCulture);

    public static string Percent(double share) => $"{Number(100 * share)} %";

    public static string Level(ConfidenceSpec confidence) => string.Create(CultureInfo.InvariantCulture, $"{confidence.Level:0.##} %");

    public static string Of(ScoredModel model) => model switch
    {
        ScoredModel.OfAnchor(Anchor.Base) => "base model",
        ScoredModel.OfAnchor(Anchor.Reference) => "reference",
        ScoredModel.OfStudent(var generator, var setting) => $"student of {generator}, {setting.Method.Title().ToLowerInvariant()}",
        _ => throw new ArgumentOutOfRangeException(nameof(model), model, null),
    };

    public static string Of(RecoveryScope scope) => scope switch
    {
        RecoveryScope.OneBenchmark(var setting, var benchmark) => $"{setting.Title()}, {benchmark}",
        RecoveryScope.OneSetting(var setting) => setting.Title(),
        RecoveryScope.OneMethod(var method) => method.Title(),
        RecoveryScope.OneDomain(var domain) => domain.Title(),
        _ => "Overall",
    };

    public static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
