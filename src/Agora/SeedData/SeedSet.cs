using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>Identity of a seed row: its place in its set, <c>math.jsonl:17</c>.</summary>
public readonly record struct SeedId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A row that a method starts from.</summary>
/// <param name="Response">Null where the method needs the instruction alone.</param>
public sealed record SeedInstance(SeedId Id, string Instruction, string? Response);

/// <summary>Rows in file order. Those of a large file are read from the disk each time that they are looked at, so that memory does not grow with them.</summary>
public sealed class SeedSet
{
    /// <summary>Characters of text that a set keeps in memory: more than 10,000 rows of the usual length.</summary>
    internal const long MostCharactersInMemory = 1 << 24;

    public SeedSet(ImmutableArray<SeedInstance> instances)
    {
        Instances = instances;
        FirstWithoutResponse = instances.FirstOrDefault(seed => seed.Response is null)?.Id;
    }

    private SeedSet(SpooledRows rows, SeedId? firstWithoutResponse)
    {
        Instances = rows;
        FirstWithoutResponse = firstWithoutResponse;
    }

    public IReadOnlyList<SeedInstance> Instances { get; }

    /// <summary>Null where every row has a response.</summary>
    public SeedId? FirstWithoutResponse { get; }

    /// <summary>The rows that are wanted, in their order.</summary>
    /// <param name="wanted">Asked once for every row, from several threads.</param>
    public SeedSet Where(Func<int, SeedInstance, bool> wanted)
    {
        var kept = new bool[Instances.Count];
        var withoutResponse = new bool[Instances.Count];
        try
        {
            Parallel.For(0, kept.Length, row =>
            {
                var seed = Instances[row];
                (kept[row], withoutResponse[row]) = (wanted(row, seed), seed.Response is null);
            });
        }
        catch (AggregateException faults) when (faults.InnerExceptions.OfType<AgoraException>().FirstOrDefault() is { } fault)
        {
            throw new AgoraException(fault.What, fault.Where, fault.Fix, faults);
        }
        int[] rows = [.. Enumerable.Range(0, kept.Length).Where(row => kept[row])];
        return Instances is SpooledRows spooled
            ? new SeedSet(spooled.Only(rows), rows.Where(row => withoutResponse[row]).Select(row => (SeedId?)Instances[row].Id).FirstOrDefault())
            : new SeedSet([.. rows.Select(row => Instances[row])]);
    }

    /// <summary>Reads the rows of a file; also the way in for training data from elsewhere.</summary>
    /// <param name="requireResponse">Every row must have a response that is not empty; else responses are read where there are some.</param>
    /// <exception cref="AgoraException">The file is missing, damaged or empty, or has bad rows: all of them are listed with their lines.</exception>
    public static SeedSet Load(DataSource source, bool requireResponse) => Load(source, requireResponse, MostCharactersInMemory);

    /// <param name="mostInMemory">Characters of text; with more, all rows go to the disk.</param>
    /// <inheritdoc cref="Load(DataSource, bool)"/>
    internal static SeedSet Load(DataSource source, bool requireResponse, long mostInMemory)
    {
        TextColumn[] columns = [new(source.InstructionColumn), new(source.ResponseColumn, requireResponse)];
        var name = Path.GetFileName(source.File);
        var held = new List<(int Number, string Instruction, string? Response)>();
        var bad = new List<FileRow.Bad>();
        SpooledSeeds? spooled = null;
        var (good, characters, firstBare) = (0, 0L, (SeedId?)null);
        try
        {
            foreach (var row in RowReader.Read(source.File, columns))
            {
                if (good + bad.Count == source.Limit) break;
                if (row is FileRow.Bad fault)
                {
                    bad.Add(fault);
                    continue;
                }
                var (number, instruction, response) = (row.Number, ((FileRow.Good)row).Values[0]!, ((FileRow.Good)row).Values[1]);
                good++;
                if (response is null) firstBare ??= Identity(name, number);
                characters += instruction.Length + (response?.Length ?? 0);
                if (spooled is null && characters > mostInMemory)
                {
                    spooled = new SpooledSeeds(name, Path.GetTempPath());
                    foreach (var earlier in held) spooled.Add(earlier.Number, earlier.Instruction, earlier.Response);
                    held = [];
                }
                if (spooled is null) held.Add((number, instruction, response));
                else spooled.Add(number, instruction, response);
            }
            if (bad.Count > 0) throw BadRows.Error(source.File, bad, good);
            if (good == 0)
                throw new AgoraException("the file has no rows", source.File, "give a file with at least one row") { ExitCode = 2 };
            spooled?.End();
        }
        catch
        {
            spooled?.Dispose();
            throw;
        }
        return spooled is null
            ? new SeedSet([.. held.Select(row => new SeedInstance(Identity(name, row.Number), row.Instruction, row.Response))])
            : new SeedSet(new SpooledRows(spooled, null), firstBare);
    }

    private static SeedId Identity(string name, int number) => new(string.Create(CultureInfo.InvariantCulture, $"{name}:{number}"));

    /// <param name="rows">Which of them; null: all.</param>
    private sealed class SpooledRows(SpooledSeeds spooled, int[]? rows) : IReadOnlyList<SeedInstance>
    {
        public int Count => rows?.Length ?? spooled.Count;

        public SeedInstance this[int index] => spooled.Read(rows is null ? index : rows[index]);

        public SpooledRows Only(int[] wanted) => new(spooled, rows is null ? wanted : Array.ConvertAll(wanted, row => rows[row]));

        public IEnumerator<SeedInstance> GetEnumerator() => Enumerable.Range(0, Count).Select(row => this[row]).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
