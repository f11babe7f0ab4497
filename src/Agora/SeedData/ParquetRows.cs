using System.Collections.Immutable;
using Agora.Experiments;
using Parquet;
using Parquet.Schema;

namespace Agora.SeedData;

/// <summary>Rows of a Parquet file, one row group in memory at a time.</summary>
internal static class ParquetRows
{
    public static IEnumerable<FileRow> Read(string file, IReadOnlyList<TextColumn> columns)
    {
        using var stream = RowReader.Open(file);
        var reader = OrDamaged(file, () => ParquetReader.CreateAsync(stream));
        try
        {
            var fields = columns.Select(column => FieldOf(reader.Schema, column, file)).ToArray();
            var number = 0;
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                using var rows = reader.OpenRowGroupReader(group);
                var texts = fields.Select(field => field is null ? null : OrDamaged(file, () => TextsAsync(rows, field))).ToArray();
                for (var i = 0; i < rows.RowCount; i++)
                    yield return RowOf(++number, columns, texts, i);
            }
        }
        finally
        {
            Wait(reader.DisposeAsync().AsTask());
        }
    }

    private static FileRow RowOf(int number, IReadOnlyList<TextColumn> columns, string?[]?[] texts, int i)
    {
        var values = ImmutableArray.CreateBuilder<string?>(columns.Count);
        for (var c = 0; c < columns.Count; c++)
        {
            var text = texts[c]?[i];
            if (RowReader.Fault(columns[c], text) is { } fault) return new FileRow.Bad(number, fault);
            values.Add(text);
        }
        return new FileRow.Good(number, values.MoveToImmutable());
    }

    // A required column that a Parquet file lacks is missing in every row: said once, with the columns there are.
    private static DataField? FieldOf(ParquetSchema schema, TextColumn column, string file)
    {
        var field = schema.DataFields.FirstOrDefault(candidate => candidate.Path.ToString() == column.Name);
        if (field is null && !column.Required) return null;
        if (field is null)
            throw new AgoraException($"the file has no column \"{column.Name}\"", file,
                $"map it to one of: {string.Join(", ", schema.DataFields.Select(candidate => candidate.Path.ToString()))}")
            { ExitCode = 2 };
        return IsText(field) && field.MaxRepetitionLevel == 0
            ? field
            : throw new AgoraException($"the column \"{column.Name}\" holds {(field.MaxRepetitionLevel > 0 ? "lists" : field.ClrType.Name)}, not text", file,
                "map a column of strings")
            { ExitCode = 2 };
    }

    // The library's own type for text differs between a schema that is read and one that is written.
    private static bool IsText(DataField field) => field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    private static async Task<string?[]> TextsAsync(ParquetRowGroupReader rows, DataField field)
    {
        var texts = new string?[rows.RowCount];
        await rows.ReadAsync(field, texts.AsMemory()!);
        return texts;
    }

    // Whatever the library throws on bytes that are not Parquet, the person at the terminal has a damaged file.
    private static T OrDamaged<T>(string file, Func<Task<T>> read)
    {
        try
        {
            return Wait(read());
        }
        catch (Exception fault) when (fault is not AgoraException and not OutOfMemoryException)
        {
            throw new AgoraException($"the Parquet file cannot be read: {fault.Message}", file, "fetch the file again, or convert it to JSON lines", fault);
        }
    }

    // The library is asynchronous and rows are a plain sequence; no synchronisation context is there that could deadlock.
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Wait(Task task) => task.GetAwaiter().GetResult();
}
