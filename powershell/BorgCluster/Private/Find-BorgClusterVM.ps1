function Find-BorgClusterVM {
    <#
    .SYNOPSIS
    Finds a virtual machine that is registered on this node by its id; $null when it is not.
    .DESCRIPTION
    Get-VM -Id fails alike for an absent machine and for other reasons. The list of all tells: it fails when Hyper-V does not
    answer.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    try {
        $found = @(Hyper-V\Get-VM -Id $VMId -ErrorAction Stop)
    } catch {
        Write-Verbose -Message "Get-VM -Id finds nothing: $_"
        $all = @(Hyper-V\Get-VM -ErrorAction Stop)
        $found = @(foreach ($one in $all) { if ([string] $one.Id -eq $VMId.ToString('D')) { $one } })
    }
    if ($found.Count -eq 0) {
        return $null
    }
    return $found[0]
}
