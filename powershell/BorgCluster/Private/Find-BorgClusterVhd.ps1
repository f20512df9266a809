function Find-BorgClusterVhd {
    <#
    .SYNOPSIS
    Reads a virtual disk file with Get-VHD; fails as Get-VHD does.
    .DESCRIPTION
    Get-VHD has no -LiteralPath. Whether it reads brackets as wildcards differs: such a path is tried as it is and escaped,
    and only an answer about that very file counts.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $spellings = @($Path)
    $escaped = [System.Management.Automation.WildcardPattern]::Escape($Path)
    if ($escaped -ne $Path) {
        $spellings += $escaped
    }
    $failure = $null
    foreach ($spelling in $spellings) {
        try {
            foreach ($vhd in @(Hyper-V\Get-VHD -Path $spelling -ErrorAction Stop)) {
                if ($spellings.Count -eq 1 -or (Test-BorgClusterSamePath -Path $vhd.Path -Other $Path)) {
                    return $vhd
                }
            }
        } catch {
            if ($null -eq $failure) {
                $failure = $_
            }
        }
    }
    if ($null -ne $failure) {
        throw $failure
    }
    $record = @{
        ErrorId = 'BorgClusterDiskNotFound'
        Category = 'ObjectNotFound'
        Message = "Get-VHD finds no '$Path'."
        TargetObject = $Path
    }
    throw (ConvertTo-BorgClusterErrorRecord @record)
}
