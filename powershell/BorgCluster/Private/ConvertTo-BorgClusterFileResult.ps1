function ConvertTo-BorgClusterFileResult {
    <#
    .SYNOPSIS
    Answers with the state of each path afterwards (a FileResult).
    #>
    param (
        [Parameter(Mandatory)]
        [string[]]
        $Path,

        [AllowNull()]
        [object]
        $RestoreId = $null
    )

    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        restore_id = ConvertTo-BorgClusterId -Value $RestoreId
        files = @(foreach ($one in $Path) { Get-BorgClusterFileState -Path $one })
    }
    return ConvertTo-BorgClusterAnswer -Answer $answer
}
