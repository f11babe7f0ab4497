using System.CommandLine;
using System.Globalization;

namespace Agora.Cli.Commands;

/// <summary>Which numbers an option takes, said before anything begins.</summary>
internal static class NumberRange
{
    /// <param name="low">Taken, as <paramref name="high"/> is.</param>
    public static Option<T> Within<T>(this Option<T> option, double low, double high = double.PositiveInfinity)
    {
        option.Validators.Add(result =>
        {
            // The value that was parsed cannot be asked for: where the text is no number, that throws before the parser says so.
            if (result.Tokens is [var given] && double.TryParse(given.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && !(number >= low && number <= high))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be {(double.IsInfinity(high) ? $"at least {low}" : $"from {low} to {high}")}"));
        });
        return option;
    }
}
