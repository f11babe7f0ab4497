using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>The paper's tables (arXiv:2412.03679) as a folder of CSV files, cell by cell.</summary>
/// <remarks>
/// Only <c>table2_pgr.csv</c> must be there; what an absent file would have given cannot be computed, and the analysis says so. An empty cell, <c>NaN</c>, <c>n/a</c> or a
/// dash is a missing value; anything else that is no number is a fault.
/// </remarks>
public sealed record PublishedTables
{
    public const string PgrFile = "table2_pgr.csv";
    public const string SettingsFile = "table1_settings.csv";
    public const string CostFile = "table3_cost.csv";
    public const string LoadingsFile = "table4_loadings.csv";
    public const string MetaPromptsFile = "table5_meta_prompts.csv";
    public const string ProblemSolvingFile = "table7_problem_solving.csv";
    public const string IntrinsicFile = "table8_intrinsic.csv";

    public required string Folder { get; init; }
    public required Study Study { get; init; }
    /// <summary>Cells of <see cref="ProblemSolvingFile"/> as printed: by generator, then column.</summary>
    public required ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> ProblemSolving { get; init; }
    /// <summary>Cells of <see cref="CostFile"/> as printed: by generator, then column.</summary>
    public required ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> Costs { get; init; }
    public required ImmutableArray<PrintedLoading> Loadings { get; init; }
    public required ImmutableArray<PrintedSetting> Settings { get; init; }
    /// <summary>Half a unit of the last printed decimal, by metric; PGR and scores under their own names.</summary>
    public required ImmutableDictionary<string, double> RoundingHalfWidths { get; init; }
    /// <summary>What is missing and what follows from that.</summary>
    public required ImmutableArray<string> Remarks { get; init; }

    /// <exception cref="AgoraException">The folder or the table of PGRs is not there, or a file has faults; all faults of a file are named.</exception>
    public static PublishedTables Read(string folder) => new PublishedTablesReader(folder).Read();

    /// <summary>The columns of <see cref="ProblemSolvingFile"/> by domain.</summary>
    internal static ImmutableSortedDictionary<string, Domain> BenchmarkColumns { get; } = new Dictionary<string, Domain>
    {
        ["gsm8k"] = Domain.Math,
        ["math"] = Domain.Math,
        ["mbpp"] = Domain.Code,
        ["humaneval"] = Domain.Code,
        ["alpacaeval2"] = Domain.InstructionFollowing,
        ["arena_hard"] = Domain.InstructionFollowing,
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);
}

/// <summary>A number with the decimals it was printed with.</summary>
/// <param name="Line">Of its file.</param>
public sealed record PrintedValue(double Value, int Decimals, int Line)
{
    /// <summary>How far the value before rounding may lie from the printed one.</summary>
    public double HalfWidth => 0.5 * Math.Pow(10, -Decimals);

    /// <returns>Null where the text is no finite number.</returns>
    internal static PrintedValue? Parse(string text, int line)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
            return null;
        var point = text.IndexOf('.', StringComparison.Ordinal);
        return new PrintedValue(value, point < 0 ? 0 : text.Length - point - 1, line);
    }
}

/// <param name="Metric">As printed.</param>
public sealed record PrintedLoading(string Metric, PrintedValue Strength, PrintedValue Contribution);

public sealed record PrintedSetting(string Domain, string Method, string SeedData, int Line);
