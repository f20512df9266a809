function ConvertFrom-BorgClusterVssadminText {
    <#
    .SYNOPSIS
    Reads what vssadmin lists about VSS writers: the state of each (a list of WriterStatus).
    .DESCRIPTION
    A writer begins with the only line that is not indented; the first GUID below it is its id, the number in brackets its
    state. Why a writer failed is told in words only, which are localized: the failure code is $null.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [AllowEmptyString()]
        [string[]]
        $Line
    )

    $pattern = Get-BorgClusterWriterPattern
    $writerId = $null
    foreach ($text in $Line) {
        if ($text -match $pattern['Heading']) {
            $writerId = $null
        } elseif ($null -eq $writerId) {
            if ($text -match $pattern['Identifier']) {
                $writerId = $Matches[1].ToLowerInvariant()
            }
        } elseif ($text -match $pattern['DisplayState']) {
            [ordered]@{ writer_id = $writerId; state = [int] $Matches[1]; failure_code = $null }
        }
    }
}
