using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>A row that says what length alone does to the judge: the baseline, prompted to be wordy or terse, against itself.</summary>
/// <param name="ScaledLength">Length difference, baseline minus gamed output, over its standard deviation.</param>
/// <param name="Preference">For the gamed output, 0 to 1.</param>
public readonly record struct GamedRow(double ScaledLength, double Difficulty, double Preference);

/// <summary>What the length-controlled win rate needs besides a model's judgments: the official file <c>df_gamed.csv</c>, which the user fetches.</summary>
/// <remarks>The file lies on the hub in the data set <c>tatsu-lab/alpaca_eval</c> (CC BY-NC 4.0); none of it is part of this program.</remarks>
public sealed record LengthControlData
{
    public const string FileName = "df_gamed.csv";

    /// <summary>Of one gamed row beside a judged pair: the published strength of 0.2, shared by two variants of the baseline.</summary>
    internal const double GamedWeight = 0.1;

    /// <summary>By the instruction's number in the official set.</summary>
    public required ImmutableArray<double> Difficulties { get; init; }
    public required ImmutableArray<GamedRow> Gamed { get; init; }
    /// <summary>First 16 hex digits of the file's SHA-256.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Reads <c>df_gamed.csv</c>: columns <c>index</c>, <c>std_delta_len</c>, <c>instruction_difficulty</c>, <c>preference</c>, in any order; others are not looked at.</summary>
    /// <exception cref="AgoraException">The file is missing or faulty; all faults are listed.</exception>
    public static LengthControlData Read(string path)
    {
        var table = CsvTable.Read(path);
        var (index, length, difficulty, preference) = (table.Column("index"), table.Column("std_delta_len"), table.Column("instruction_difficulty"), table.Column("preference"));
        table.ThrowIfFaulty();
        var difficulties = new SortedDictionary<int, double>();
        var gamed = ImmutableArray.CreateBuilder<GamedRow>();
        foreach (var row in table.Rows)
        {
            if (table.Number(row, index) is not { } place || table.Number(row, length) is not { } scaled || table.Number(row, difficulty) is not { } hard || table.Number(row, preference) is not { } share)
                continue;
            if (place < 0 || place != Math.Floor(place) || place > 100_000)
                table.Fault(row, string.Create(CultureInfo.InvariantCulture, $"\"index\" must be a whole number from 0, got {place}"));
            else
                difficulties.TryAdd((int)place, hard);
            if (share is < 0 or > 1)
                table.Fault(row, string.Create(CultureInfo.InvariantCulture, $"\"preference\" must be from 0 to 1, got {share}"));
            gamed.Add(new GamedRow(scaled, hard, share));
        }
        table.ThrowIfFaulty();
        if (gamed.Count == 0)
            throw new AgoraException("the file holds no rows", path, "fetch it again") { ExitCode = 2 };
        if (difficulties.Keys.Last() != difficulties.Count - 1)
            throw new AgoraException($"the file leaves out instruction {Enumerable.Range(0, difficulties.Count).First(i => !difficulties.ContainsKey(i))}", path, "fetch it again") { ExitCode = 2 };
        return new LengthControlData { Difficulties = [.. difficulties.Values], Gamed = gamed.ToImmutable(), Hash = table.Hash };
    }
}
