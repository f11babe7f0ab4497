using Agora.Reports;

namespace Agora.Tests.Reports;

public sealed class PgrTableTests
{
    private static readonly PgrTable Table = Assert.Single(PgrTable.Of(SampleReport.Create().Recovery));

    [Fact]
    public void Methods_are_blocks_and_domains_are_columns_as_in_the_paper()
    {
        Assert.Equal(["Instance generation", "Response generation", "All settings"], Table.Blocks.Select(block => block.Title));
        Assert.Equal(["Math", "Code", "Average"], Table.Blocks[0].Columns);
        Assert.Equal(["Math"], Table.Blocks[1].Columns);
        Assert.All(Table.Blocks, block => Assert.Equal(["large|one", "small"], block.Rows.Select(row => row.Generator)));
    }

    [Fact]
    public void A_cell_shows_estimate_interval_and_number_of_items()
    {
        var cell = Table.Blocks[0].Rows[0].Cells[0];
        Assert.Equal("70.0", cell.Value);
        Assert.Matches(@"^\[\d+\.\d, \d+\.\d\]$", cell.Interval);
        Assert.Equal(200, cell.Items);
        Assert.Null(cell.Note);
    }

    [Fact]
    public void An_undefined_cell_refers_to_the_reason()
    {
        var cell = Table.Blocks[0].Rows[0].Cells[1];
        Assert.Equal(("undefined", ""), (cell.Value, cell.Interval));
        Assert.Contains("does not beat the base model", Table.Notes[int.Parse(cell.Note!) - 1]);
    }

    [Fact]
    public void A_cell_that_was_not_measured_is_a_dash() => Assert.Equal("–", Table.Blocks[1].Rows[1].Cells[0].Value);

    [Fact]
    public void The_greatest_value_of_a_column_is_the_best()
    {
        Assert.True(Table.Blocks[0].IsBest(row: 0, column: 0));
        Assert.False(Table.Blocks[0].IsBest(row: 1, column: 0));
        Assert.False(Table.Blocks[0].IsBest(row: 0, column: 1));
        Assert.False(Table.Blocks[1].IsBest(row: 0, column: 0), "there is no rival");
    }

    [Theory]
    [InlineData(-0.04, "0.0")]
    [InlineData(-0.06, "-0.1")]
    [InlineData(12.25, "12.3")]
    public void Figures_have_one_decimal_and_zero_no_sign(double value, string shown) => Assert.Equal(shown, ReportText.Number(value));
}
