function ConvertTo-BorgClusterIncompatibility {
    <#
    .SYNOPSIS
    Reports one finding of Compare-VM (an Incompatibility). The type of its source decides, as numbers and texts vary.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Incompatibility
    )

    $source = Get-BorgClusterProperty -InputObject $Incompatibility -Name 'Source'
    $type = ''
    if ($null -ne $source) {
        $type = $source.PSObject.TypeNames[0].Split('.')[-1]
    }
    if ([long] $Incompatibility.MessageId -eq 33012) {
        # A missing switch, whatever its adapter is called
        $type = 'VMNetworkAdapter'
    }
    return [ordered]@{
        message_id = [long] $Incompatibility.MessageId
        source_type = $type
        source_name = Get-BorgClusterWord -InputObject $source -Name 'Name'
        message = [string] $Incompatibility.Message
        mended_by = $null
    }
}
