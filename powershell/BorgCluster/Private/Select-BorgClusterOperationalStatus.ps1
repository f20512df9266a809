function Select-BorgClusterOperationalStatus {
    <#
    .SYNOPSIS
    Lists the operational status numbers of a virtual machine: those of the table, else the numbers of Get-VM's enums.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [hashtable]
        $Table
    )

    $id = ConvertTo-BorgClusterId -Value $VM.Id
    if ($Table.ContainsKey($id)) {
        foreach ($number in $Table[$id]) {
            $number
        }
        return
    }
    foreach ($name in @('PrimaryOperationalStatus', 'SecondaryOperationalStatus')) {
        $status = Get-BorgClusterProperty -InputObject $VM -Name $name
        # Nothing would become 0
        if ($null -ne $status -and $null -ne ($status -as [int])) {
            $status -as [int]
        }
    }
}
